/** Work of our kernels in the runtime's queue, of which whoever opened them hears when the device goes away under it. */
import { AppError } from '../../../pack/failure.ts'
import type { Runtime } from '../../ort/runtime.ts'

export interface Watched {
  runtime: Pick<Runtime, 'attempt'>
  device: Pick<GPUDevice, 'lost'>
  onLost?: (() => void) | undefined
}

/** What runs on a device just now, in the order in which it was begun. */
const underWay = new WeakMap<Watched['device'], Set<object>>()

/**
 * As `work`. When the device goes away by itself under it, or under kernels that are still `running`, `onLost` is told;
 * not when it went away before, under somebody else's work, nor when other kernels of ours were to be done first: a
 * device runs one thing behind the other.
 */
export async function tellingOfLoss<T>(
  { runtime, device, onLost }: Watched,
  work: () => Promise<T>,
  running = false,
): Promise<T> {
  const all = underWay.get(device) ?? new Set()
  underWay.set(device, all)
  const own = {}
  let begun = running
  if (running) all.add(own)
  try {
    return await runtime.attempt(async () => {
      begun = true
      all.add(own)
      const done = await work()
      all.delete(own)
      return done
    })
  } catch (error) {
    const isLost = error instanceof AppError && error.code === 'device-lost'
    const [first] = all
    const isSuspect = first === own || !all.has(own)
    // What a lost device ran stays: who else ran something there may ask only then.
    if (!isLost) all.delete(own)
    if (begun && isSuspect && isLost && (await device.lost).reason !== 'destroyed') onLost?.()
    throw error
  }
}
