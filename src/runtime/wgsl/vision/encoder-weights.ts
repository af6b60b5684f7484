/** A vision encoder's weights among those of its graph, each checked against the model's shape. */
import { vision as treaty } from '../../../pack/parts.ts'
import type { VisionShape } from '../../../pack/shapes.ts'
import { countOf } from '../../ort/tensor.ts'
import type { WideFormat } from '../kernels/wide-tile/wide-tile.ts'
import type { StoredTensor, StoredTensors } from '../weights/graph-weights.ts'
import { blocksAt, floatType, NotForKernels, type NormTensors } from '../weights/stored.ts'
import type { GraphNodes } from './graph-nodes.ts'

/** A matrix as it is stored: blocks [outputs, inputs] and their scales, or floats [inputs, outputs]. */
export interface WideMatrix {
  inputs: number
  outputs: number
  format: WideFormat
  tensors: readonly StoredTensor[]
}

export interface WideLinear {
  matrix: WideMatrix
  /** [outputs]; null where there is none. */
  bias: StoredTensor | null
}

export const BLOCK_PRODUCTS = ['qkv', 'projection', 'fc1', 'fc2'] as const
export type BlockProduct = (typeof BLOCK_PRODUCTS)[number]

export type BlockPlaces = { norm1: NormTensors; norm2: NormTensors } & Record<BlockProduct, WideLinear>

export interface EncoderPlaces {
  /** [hidden, 3, patch, patch] */
  patch: StoredTensor
  patchBias: StoredTensor | null
  classToken: StoredTensor
  /** [1, tokens, hidden] */
  positions: StoredTensor
  /** In front of the blocks, as CLIP has it. */
  preNorm: NormTensors | null
  blocks: BlockPlaces[]
  postNorm: NormTensors
  /** Of the norms in and before the blocks, and of the last. */
  epsilons: { blocks: number; post: number }
  activation: 'gelu' | 'quick-gelu'
}

/** Names of one of the two towers. `{i}` is a block's number. */
interface TowerNames {
  patch: string
  classToken: string
  positions: string
  preNorm: string | null
  block: string
  norm1: string
  norm2: string
  products: Record<BlockProduct, string>
}

const EVA: TowerNames = {
  patch: 'embeddings.patch_embedding',
  classToken: 'embeddings.class_embedding',
  positions: 'embeddings.position_embedding',
  preNorm: null,
  block: 'encoder.layers.',
  norm1: 'layer_norm1',
  norm2: 'layer_norm2',
  products: { qkv: 'self_attn.qkv', projection: 'self_attn.projection', fc1: 'mlp.fc1', fc2: 'mlp.fc2' },
}

/** As LAVIS names them. */
const CLIP: TowerNames = {
  patch: 'conv1',
  classToken: 'class_embedding',
  positions: 'positional_embedding',
  preNorm: 'ln_pre',
  block: 'blocks.',
  norm1: 'ln_1',
  norm2: 'ln_2',
  products: { qkv: 'attn.in_proj', projection: 'attn.out_proj', fc1: 'mlp.c_fc', fc2: 'mlp.c_proj' },
}

/** The module that all of them lie in. */
const PREFIX = treaty.lastNorm.gain.replace(/post_layernorm\.weight$/, '')

/** Throws `NotForKernels` where weights are missing, or otherwise not as kernels take them. */
export function encoderPlaces(tensors: StoredTensors, nodes: GraphNodes, shape: VisionShape): EncoderPlaces {
  const { hiddenSize: hidden, patchSize, tokens, layers } = shape
  const found = new FoundTensors(tensors)
  const names = found.find(`${EVA.patch}.weight`) === null ? CLIP : EVA
  const norm = (name: string): NormTensors => ({
    weight: found.need(`${name}.weight`, [hidden]),
    bias: found.need(`${name}.bias`, [hidden]),
  })
  const blockAt = (i: number): BlockPlaces => {
    const at = (name: string): string => `${names.block}${i}.${name}`
    const { qkv, projection, fc1, fc2 } = names.products
    const wide = found.linear(at(fc1), null, hidden)
    return {
      norm1: norm(at(names.norm1)),
      norm2: norm(at(names.norm2)),
      qkv: found.linear(at(qkv), 3 * hidden, hidden),
      projection: found.linear(at(projection), hidden, hidden),
      fc1: wide,
      fc2: found.linear(at(fc2), hidden, wide.matrix.outputs),
    }
  }
  const places = {
    patch: found.need(`${names.patch}.weight`, [hidden, 3, patchSize, patchSize]),
    patchBias: found.find(`${names.patch}.bias`),
    classToken: found.need(names.classToken, [hidden]),
    positions: found.need(names.positions, [tokens, hidden]),
    preNorm: names.preNorm === null ? null : norm(names.preNorm),
    blocks: Array.from({ length: layers }, (_, i) => blockAt(i)),
    postNorm: norm('post_layernorm'),
  }
  return { ...places, epsilons: epsilonsOf(nodes, places), activation: activationOf(nodes) }
}

class FoundTensors {
  /** By name without the module, and without shapes such as `/80x2560`, which are other views of the same bytes. */
  readonly #tensors: StoredTensors

  constructor(tensors: StoredTensors) {
    this.#tensors = new Map(
      [...tensors].map(([name, tensor]) => [(name.split('/')[0] ?? '').slice(PREFIX.length), tensor]),
    )
  }

  find(name: string): StoredTensor | null {
    return this.#tensors.get(name) ?? null
  }

  need(name: string, dims: number[]): StoredTensor {
    const tensor = this.find(name)
    if (tensor === null) throw new NotForKernels(`has no ${name}`)
    if (countOf(tensor.dims) !== countOf(dims)) throw new NotForKernels(`has a ${name} of another shape`)
    return tensor
  }

  /** `outputs` null: as many as there are. */
  linear(name: string, outputs: number | null, inputs: number): WideLinear {
    const matrix = this.#blocks(`${name}.weight`, inputs) ?? this.#dense(`${name}.weight`, inputs)
    if ((outputs ?? matrix.outputs) !== matrix.outputs || matrix.outputs % 4 !== 0)
      throw new NotForKernels(`has a ${name} of another shape`)
    const bias = this.find(`${name}.bias`)
    return { matrix, bias: bias === null ? null : this.need(`${name}.bias`, [matrix.outputs]) }
  }

  /** Null where it is not stored in blocks. */
  #blocks(name: string, inputs: number): WideMatrix | null {
    const found = blocksAt((one) => this.find(one), name, inputs)
    if (found === null) return null
    const { outputs, format, packed, scales } = found
    return { inputs, outputs, format, tensors: [packed, scales] }
  }

  #dense(name: string, inputs: number): WideMatrix {
    const tensor = this.find(name)
    if (tensor === null) throw new NotForKernels(`has no ${name}`)
    const [rows, outputs = 0] = tensor.dims
    if (rows !== inputs) throw new NotForKernels(`has a ${name} of another shape`)
    return { inputs, outputs, format: { dense: floatType(tensor) }, tensors: [tensor] }
  }
}

/** One kernel serves all norms but the last. */
function epsilonsOf(
  { epsilons }: GraphNodes,
  { preNorm, blocks, postNorm }: Pick<EncoderPlaces, 'preNorm' | 'blocks' | 'postNorm'>,
): EncoderPlaces['epsilons'] {
  const of = ({ weight }: NormTensors): number => epsilons.get(weight.name) ?? NaN
  const inner = [
    ...(preNorm === null ? [] : [preNorm]),
    ...blocks.flatMap(({ norm1, norm2 }) => [norm1, norm2]),
  ]
  const all = new Set(inner.map(of))
  const [first = NaN] = all
  const post = of(postNorm)
  if (all.size !== 1 || !(first > 0) || !(post > 0)) throw new NotForKernels('has norms of another sort')
  return { blocks: first, post }
}

function activationOf({ operators }: GraphNodes): EncoderPlaces['activation'] {
  const [exact, quick] = [operators.has('Gelu'), operators.has('Sigmoid')]
  if (exact === quick) throw new NotForKernels('has another activation')
  return exact ? 'gelu' : 'quick-gelu'
}
