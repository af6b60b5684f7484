/** What our kernels ask of stored weights, whichever part of a pack they are of. */
import type { FloatType } from '../gpu/weights-format.ts'
import type { StoredTensor } from './graph-weights.ts'

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
