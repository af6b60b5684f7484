/** What our kernels ask of stored weights, whichever part of a pack they are of. */
import type { BlockFormat, FloatType } from '../gpu/weights-format.ts'
import type { StoredTensor } from './graph-weights.ts'

/** A quantised matrix [outputs, inputs]. */
export interface MatrixPlace {
  outputs: number
  inputs: number
  format: BlockFormat
  packed: StoredTensor
  scales: StoredTensor
}

export interface NormTensors {
  weight: StoredTensor
  bias: StoredTensor
}

/** Why a part of a pack is not for our kernels, in words behind "The pack". */
export class NotForKernels extends Error {
  override readonly name = 'NotForKernels'
}

/** The float type of a tensor that is not quantised. */
export function floatType({ type, name }: StoredTensor): FloatType {
  if (type === 'uint8') throw new NotForKernels(`has a ${name} that is no float`)
  return type
}

/** What a matrix's inputs may share scales by. */
const BLOCK_SIZES = [32, 64, 128]

/**
 * The matrix `name` with so many inputs and whatever outputs it has; null where it is not stored in blocks. Throws
 * `NotForKernels` where it is, in blocks of another sort.
 */
export function blocksAt(
  find: (name: string) => StoredTensor | null,
  name: string,
  inputs: number,
): MatrixPlace | null {
  const packed4 = find(`${name}.q4`)
  const packed = packed4 ?? find(`${name}.q8`)
  if (packed === null) return null
  const bits = packed4 === null ? 8 : 4
  const scales = find(`${name}.scales`)
  const [outputs = 0, blocks = 0] = scales?.dims ?? []
  const blockSize = inputs / blocks
  if (scales === null || !BLOCK_SIZES.includes(blockSize) || packed.bytes !== (outputs * inputs * bits) / 8)
    throw new NotForKernels(`has a ${name} of another shape`)
  return { outputs, inputs, format: { bits, blockSize, scales: floatType(scales) }, packed, scales }
}
