/** OPT's weights among those of its graph, each checked against the model's shape. */
import type { DecoderShape } from '../../../pack/shapes.ts'
import { countOf } from '../../ort/tensor.ts'
import type { BlockFormat } from '../gpu/weights-format.ts'
import type { StoredTensor } from '../weights/graph-weights.ts'
import { NotForKernels, type NormTensors } from '../weights/stored.ts'

/** A quantised matrix [outputs, inputs]. */
export interface MatrixPlace {
  outputs: number
  inputs: number
  format: BlockFormat
  packed: StoredTensor
  scales: StoredTensor
}

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
export function optPlaces(tensors: ReadonlyMap<string, StoredTensor>, shape: DecoderShape): OptPlaces {
  const { hiddenSize: hidden, vocabulary, layers } = shape
  const find = (ending: string, required = true): StoredTensor | null => {
    // The prefix is the checkpoint's own; shapes such as `/80x2560` behind a name are other views of the same bytes.
    for (const [name, tensor] of tensors) {
      const plain = name.split('/')[0] ?? ''
      if (plain === ending || plain.endsWith(`.${ending}`)) return tensor
    }
    if (required) throw new NotForKernels(`has no ${ending} that is stored in blocks`)
    return null
  }
  const need = (ending: string, bytesOfDims?: number[]): StoredTensor => {
    const tensor = find(ending)
    if (tensor === null || (bytesOfDims !== undefined && countOf(tensor.dims) !== countOf(bytesOfDims)))
      throw new NotForKernels(`has a ${ending} of another shape`)
    return tensor
  }
  const matrix = (name: string, outputs: number | null, inputs: number): MatrixPlace | null => {
    const packed4 = find(`${name}.q4`, false)
    const packed = packed4 ?? find(`${name}.q8`, false)
    if (packed === null) return null
    const scales = need(`${name}.scales`)
    const bits = packed4 === null ? 8 : 4
    const [rows = 0, blocks = 0] = scales.dims
    const blockSize = inputs / blocks
    const whole = [32, 64, 128].includes(blockSize) && (outputs ?? rows) === rows
    if (!whole || packed.bytes !== (rows * inputs * bits) / 8 || scales.type === 'uint8')
      throw new NotForKernels(`has a ${name} of another shape`)
    return { outputs: rows, inputs, format: { bits, blockSize, scales: scales.type }, packed, scales }
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
