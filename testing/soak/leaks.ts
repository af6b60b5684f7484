/** What a soak keeps in a cycle, to see that it is noticed. */
import { OwnedTensor } from '../../src/runtime/ort/tensor.ts'

export const LEAKED_BYTES = 2 ** 16

/** The next tensor that somebody lets go of stays. */
export function keepNextTensor(kept: unknown[]): void {
  const dispose = Reflect.get<OwnedTensor, 'dispose'>(OwnedTensor.prototype, 'dispose')
  OwnedTensor.prototype.dispose = function (this: OwnedTensor) {
    OwnedTensor.prototype.dispose = dispose
    kept.push(this)
  }
}
