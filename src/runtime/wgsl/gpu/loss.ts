/** Work of our kernels in the runtime's queue, of which whoever opened them hears when the device goes away under it. */
import { AppError } from '../../../pack/failure.ts'
import type { Runtime } from '../../ort/runtime.ts'

export interface Watched {
  runtime: Pick<Runtime, 'attempt'>
  device: Pick<GPUDevice, 'lost'>
  onLost?: (() => void) | undefined
}

/**
 * As `work`. When the device goes away by itself under it, or under kernels that are still `running`, `onLost` is told;
 * not when it went away before, under somebody else's work.
 */
export async function tellingOfLoss<T>(
  { runtime, device, onLost }: Watched,
  work: () => Promise<T>,
  running = false,
): Promise<T> {
  let begun = running
  try {
    return await runtime.attempt(() => {
      begun = true
      return work()
    })
  } catch (error) {
    const isLost = error instanceof AppError && error.code === 'device-lost'
    if (begun && isLost && (await device.lost).reason !== 'destroyed') onLost?.()
    throw error
  }
}
