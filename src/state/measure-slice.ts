import { captionWork } from '../pack/caption-work.ts'
import { throwIfCancelled, toFailure, type Failure } from '../pack/failure.ts'
import type { BenchResult } from '../protocol/bench-result.ts'
import type { MeasureRequest } from '../protocol/measure-calls.ts'
import type { ProbeDevices } from './offers.ts'
import { fastestFor } from './prediction.ts'
import type { GetState, SetState } from './store.ts'

export type MeasuringState =
  | { status: 'idle' }
  | { status: 'running'; stage: string }
  /** With the seconds of a caption that a short probe had predicted; null where it predicts none. */
  | { status: 'done'; result: BenchResult; predictedSeconds: number | null }
  | { status: 'failed'; failure: Failure }

export interface MeasureSlice {
  measuring: MeasuringState
  /** Measures the model in use on the device in use. The model is let go of for that time and loaded again after. */
  measureDevice: () => Promise<void>
  cancelMeasuring: () => void
}

/** Measures in a thread of its own. */
export type MeasureDevice = (
  request: MeasureRequest,
  options: { onStage: (stage: string) => void; signal: AbortSignal },
) => Promise<BenchResult>

/** Enough for a median, few enough for a slow processor. */
const TOKENS = 16
const PROMPT_TOKENS = 16

export function measureSlice(
  set: SetState,
  get: GetState,
  measureDevice: MeasureDevice,
  probeDevices: ProbeDevices,
): MeasureSlice {
  /** For the model that is loaded, on what it runs on. */
  const predict = async (): Promise<number | null> => {
    const { model } = get()
    if (model.status !== 'ready') return null
    const { device, manifest } = model.loaded
    const devices = await probeDevices(device.provider).catch(() => [])
    if (devices.length === 0) return null
    return fastestFor(captionWork(manifest), devices)?.seconds ?? null
  }

  let stop = new AbortController()
  return {
    measuring: { status: 'idle' },
    async measureDevice() {
      if (get().measuring.status === 'running') return
      stop = new AbortController()
      const onStage = (stage: string): void => set({ measuring: { status: 'running', stage } })
      onStage('start')
      try {
        const { model, settings } = get()
        // What it runs on may have been found out, which is not done twice.
        const prefer = model.status === 'ready' ? model.loaded.device.provider : settings.prefer
        const predicted = await predict()
        throwIfCancelled(stop.signal)
        // Two models at once may be more than the device holds.
        const pack = await get().unloadModel()
        throwIfCancelled(stop.signal)
        const kernels = settings.ownKernels
        const request = { pack, prefer, kernels, tokens: TOKENS, promptTokens: PROMPT_TOKENS }
        const result = await measureDevice(request, { onStage, signal: stop.signal })
        set({
          measuring: { status: 'done', result, predictedSeconds: predicted },
          announcement: { key: 'models:said.measured' },
        })
      } catch (error) {
        const failure = toFailure(error)
        const cancelled = failure.code === 'cancelled'
        set({ measuring: cancelled ? { status: 'idle' } : { status: 'failed', failure } })
      } finally {
        await get().loadModel()
      }
    },
    cancelMeasuring: () => stop.abort(),
  }
}
