import { AppError } from '../pack/failure.ts'
import { plainNetwork, type Network } from '../remote/network.ts'

/** Browsers are not always right about being offline, nor always tell when it ends; an attempt costs little. */
const LONGEST_OFFLINE_MS = 10_000

/** A worker's network: it knows when the device is offline, and when it is not any more. */
export function browserNetwork(): Network {
  return plainNetwork({
    pageOrigin: location.origin,
    online: () => navigator.onLine,
    whenOnline: (signal) =>
      new Promise((resolve, reject) => {
        const settle = (): void => {
          clearTimeout(timer)
          self.removeEventListener('online', back)
          signal?.removeEventListener('abort', stop)
        }
        const back = (): void => {
          settle()
          resolve()
        }
        const stop = (): void => {
          settle()
          reject(new AppError('cancelled', 'Stopped.'))
        }
        const timer = setTimeout(back, LONGEST_OFFLINE_MS)
        if (navigator.onLine) back()
        else if (signal?.aborted) stop()
        else {
          self.addEventListener('online', back)
          signal?.addEventListener('abort', stop)
        }
      }),
  })
}
