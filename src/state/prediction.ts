/** How long a caption of a model would take here, for its offer. */
import { predictedSeconds, type CaptionWork } from '../pack/caption-work.ts'
import type { ProbedDevice } from '../protocol/engine-calls.ts'
import type { Finding } from '../protocol/keeper-calls.ts'

/** Longer than this nobody waits for a caption. */
export const LONG_SECONDS = 60
/** Shorter than this is no reason to think twice. */
export const SHORT_SECONDS = 15

/** The faster of the devices, with its seconds; null where none was measured. */
export function fastestFor(
  work: CaptionWork,
  devices: readonly ProbedDevice[],
): { device: ProbedDevice; seconds: number } | null {
  const all = devices.map((device) => ({
    device,
    seconds: predictedSeconds(work, device.speed, device.provider),
  }))
  return all.sort((a, b) => a.seconds - b.seconds)[0] ?? null
}

export function predictionFindings(work: CaptionWork, devices: readonly ProbedDevice[]): Finding[] {
  const found = fastestFor(work, devices)
  if (found === null || !Number.isFinite(found.seconds)) return []
  const { device, seconds } = found
  const mixed = seconds >= SHORT_SECONDS && ({ mixed: true } as const)
  return [{ ok: seconds < LONG_SECONDS, ...mixed, ...whereFound(device, seconds) }]
}

function whereFound(
  { provider, adapter: name, software }: ProbedDevice,
  seconds: number,
): Pick<Finding, 'key' | 'values'> {
  if (provider === 'wasm') return { key: 'captionProcessor', values: { seconds } }
  if (name === '') return { key: 'captionGraphics', values: { seconds } }
  return { key: software ? 'captionSoftware' : 'captionCard', values: { seconds, name } }
}
