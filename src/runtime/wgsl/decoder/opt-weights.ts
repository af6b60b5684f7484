/** OPT's weights among those of its graph, each checked against the model's shape. */
import type { DecoderShape } from '../../../pack/shapes.ts'
import { countOf } from '../../ort/tensor.ts'
import type { StoredTensor, StoredTensors } from '../weights/graph-weights.ts'
import { blocksAt, NotForKernels, type MatrixPlace, type NormTensors } from '../weights/stored.ts'

/** A matrix with its bias. */
export interface LinearPlace {
  matrix: MatrixPlace
  bias: StoredTensor
}

export interface LayerPlaces {
  norm1: NormTensors
  qkv: LinearPlace
  output: LinearPlace
  norm2: NormTensors
  fc1: LinearPlace
  fc2: LinearPlace
}

export interface OptPlaces {
  table: MatrixPlace
  positions: StoredTensor
  layers: LayerPlaces[]
  finalNorm: NormTensors
  /** The table where the head is tied to it. */
  head: MatrixPlace
}

/** Throws `NotForKernels` where weights are missing, not quantised, or otherwise not as kernels take them. */
export function optPlaces(tensors: StoredTensors, shape: DecoderShape): OptPlaces {
  const { hiddenSize: hidden, vocabulary, layers } = shape
  const find = (ending: string): StoredTensor | null => {
    // The prefix is the checkpoint's own; shapes such as `/80x2560` behind a name are other views of the same bytes.
    for (const [name, tensor] of tensors) {
      const plain = name.split('/')[0] ?? ''
      if (plain === ending || plain.endsWith(`.${ending}`)) return tensor
    }
    return null
  }
  const need = (ending: string, dims?: number[]): StoredTensor => {
    const tensor = find(ending)
    if (tensor === null) throw new NotForKernels(`has no ${ending}`)
    if (dims !== undefined && countOf(tensor.dims) !== countOf(dims))
      throw new NotForKernels(`has a ${ending} of another shape`)
    return tensor
  }
  const matrix = (name: string, outputs: number | null, inputs: number): MatrixPlace | null => {
    const found = blocksAt(find, name, inputs)
    if (found !== null && (outputs ?? found.outputs) !== found.outputs)
      throw new NotForKernels(`has a ${name} of another shape`)
    return found
  }
  const needMatrix = (name: string, outputs: number | null, inputs: number): MatrixPlace => {
    const found = matrix(name, outputs, inputs)
    if (found === null) throw new NotForKernels(`has no ${name} that is stored in blocks`)
    return found
  }
  const linear = (name: string, outputs: number | null, inputs: number): LinearPlace => {
    const weights = needMatrix(`${name}.weight`, outputs, inputs)
    return { matrix: weights, bias: need(`${name}.bias`, [weights.outputs]) }
  }
  const norm = (name: string): NormTensors => ({
    weight: need(`${name}.weight`, [hidden]),
    bias: need(`${name}.bias`, [hidden]),
  })
  const layerAt = (i: number): LayerPlaces => {
    const at = (name: string): string => `layers.${i}.${name}`
    const fc1 = linear(at('fc1'), null, hidden)
    return {
      norm1: norm(at('self_attn_layer_norm')),
      qkv: linear(at('self_attn.qkv_proj'), 3 * hidden, hidden),
      output: linear(at('self_attn.out_proj'), hidden, hidden),
      norm2: norm(at('final_layer_norm')),
      fc1,
      fc2: linear(at('fc2'), hidden, fc1.matrix.outputs),
    }
  }
  const table = needMatrix('embed_tokens', vocabulary, hidden)
  return {
    table,
    positions: need('embed_positions'),
    layers: Array.from({ length: layers }, (_, i) => layerAt(i)),
    finalNorm: norm('decoder.final_layer_norm'),
    head: matrix('lm_head.weight', vocabulary, hidden) ?? table,
  }
}
