/** The going away of a graphics device, as a failure. */
import { AppError } from '../../pack/failure.ts'

/** Rejects with `device-lost` once the device goes away; never settles while it lives. */
export async function lossOf(device: GPUDevice): Promise<never> {
  const info = await device.lost
  throw deviceLost(info.message)
}

function deviceLost(detail: string): AppError {
  const why = detail === '' ? '' : ` (${detail})`
  return new AppError('device-lost', `The graphics device went away${why}; load the model again.`)
}
