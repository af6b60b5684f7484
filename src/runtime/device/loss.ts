/** The going away of a graphics device, as a failure. */
import { AppError } from '../../pack/failure.ts'
import type { Compute } from './compute.ts'

/** Rejects with `device-lost` once the device goes away; never settles while it lives. */
export async function lossOf(device: GPUDevice): Promise<never> {
  const info = await device.lost
  throw deviceLost(info.message)
}

/** Settles as `work` does, or rejects `device-lost` as soon as the device goes away: the work might never settle then. */
export function unlessLost<T>({ device }: Compute, work: Promise<T>): Promise<T> {
  return device === null ? work : Promise.race([work, lossOf(device)])
}

function deviceLost(detail: string): AppError {
  const why = detail === '' ? '' : ` (${detail})`
  return new AppError('device-lost', `The graphics device went away${why}.`)
}

/** How long to wait for a device's loss when work on it has failed. */
const DYING_MS = 250

/** Fails work under way when the device goes away: ONNX Runtime might never settle it then. */
export class LossWatch {
  readonly #device: GPUDevice | null
  #lost: AppError | null = null
  readonly #underWay = new Set<(lost: unknown) => void>()

  /** `device` is null on the processor, which never goes away. */
  constructor(device: GPUDevice | null) {
    this.#device = device
    if (device === null) return
    lossOf(device).catch((lost: unknown) => {
      if (lost instanceof AppError) this.#lost = lost
      for (const fail of this.#underWay) fail(lost)
    })
  }

  /** The failure that the loss is; null while the device lives. */
  get lost(): AppError | null {
    return this.#lost
  }

  /** As `work`, or fails with the loss if that comes first. */
  untilLost<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#underWay.add(reject)
      const settled = (): void => void this.#underWay.delete(reject)
      work.then(resolve, reject).then(settled, settled)
    })
  }

  /** Behind a failure: the loss of the device if that was the cause; work may fail before the loss is heard of. */
  async cause(): Promise<AppError | null> {
    if (this.#device !== null && this.#lost === null) await this.#heard()
    return this.#lost
  }

  /** Resolves when the device is known to be gone, or after a while. */
  #heard(): Promise<void> {
    return new Promise((resolve) => {
      const heard = (): void => {
        clearTimeout(timer)
        this.#underWay.delete(heard)
        resolve()
      }
      const timer = setTimeout(heard, DYING_MS)
      this.#underWay.add(heard)
    })
  }
}
