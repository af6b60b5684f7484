/**
 * Loads a model onto a device: its pack is opened, then the device, then the parts. A load that failed is tried again
 * where something that may have been to blame can be left out or mended; each such thing counts once.
 */
import type { Provider } from '../pack/device-report.ts'
import { throwIfCancelled, toFailure } from '../pack/failure.ts'
import type { LaterCheck, PackManifest, PackReader } from '../pack/manifest.ts'
import type { EngineCalls, LoadProgress, PackPlace } from '../protocol/engine-calls.ts'
import type { Compute } from '../runtime/device/compute.ts'
import { unlessLost } from '../runtime/device/loss.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import { openTalkingModel } from '../runtime/models/models.ts'
import type { Judgements, Without } from '../runtime/models/open-parts.ts'
import { mendAll } from './check-weights.ts'

export interface LoaderParts {
  /** `onBytes` is told of bytes as they arrive. */
  openPack: (
    place: PackPlace,
    options: { onBytes: (bytes: number) => void; signal: AbortSignal },
  ) => Promise<PackReader>
  /** For a model that is about to be loaded; see `chooseCompute`. */
  openCompute: (prefer: Provider | null, manifest: PackManifest) => Promise<Compute>
  /** Where the self-test of our kernels is remembered. */
  judgements?: Judgements | undefined
}

export interface LoadOptions {
  report: (event: LoadProgress) => void
  signal: AbortSignal
}

/** Whoever receives it disposes the model and destroys its device. */
export interface LoadedParts {
  model: TalkingModel
  compute: Compute
  /** Weights that were given out without being hashed; undefined where all were. */
  later: LaterCheck | undefined
  /** Milliseconds that the try took which came to its end. */
  loadMs: number
}

/** What may have been to blame for a device that goes away. */
interface Trial {
  /** Kernels of ours, while they are tried. */
  ofKernels: Without | null
  /** The device was asked for more memory than is told of. */
  ofRoom: boolean
}

/** How a try differs from the one before. */
interface Attempt {
  without?: Without | undefined
  mayMend: boolean
}

/** One try. */
interface Loading {
  input: EngineCalls['load']['in']
  options: LoadOptions
  news: News
  attempt: Attempt
  trial: Trial
}

/**
 * What is told of a try. Weights are read ahead while a part is prepared; once all are there, it is said again what is
 * prepared, which may go on for long.
 */
class News {
  readonly #report: LoadOptions['report']
  #doneBytes = 0
  /** How many there will be is known once the manifest is there. */
  #totalBytes = 0
  #stage: LoadProgress | null = null

  constructor(report: LoadOptions['report']) {
    this.#report = report
  }

  /** So many bytes more have arrived. */
  readonly bytes = (bytes: number): void => {
    this.#doneBytes += bytes
    this.#tellBytes()
  }

  all(totalBytes: number): void {
    this.#totalBytes = totalBytes
    this.#tellBytes()
  }

  stage(stage: LoadProgress): void {
    this.#stage = stage
    this.#report(stage)
  }

  #tellBytes(): void {
    const [doneBytes, totalBytes] = [this.#doneBytes, Math.max(this.#totalBytes, this.#doneBytes)]
    const fetching = { stage: 'fetching', doneBytes, totalBytes } as const
    this.#report(doneBytes < totalBytes ? fetching : (this.#stage ?? fetching))
  }
}

export class ModelLoader {
  readonly #parts: LoaderParts
  /** No device has gone away yet in a load that asked it for more memory than is told of. */
  #triesRoom = true

  constructor(parts: LoaderParts) {
    this.#parts = parts
  }

  /** Leaves nothing behind when it fails or is cancelled. Throws what opening packs, devices and models throws. */
  async load(input: EngineCalls['load']['in'], options: LoadOptions): Promise<LoadedParts> {
    return this.#attempt(input, options, { mayMend: true })
  }

  async #attempt(
    input: EngineCalls['load']['in'],
    options: LoadOptions,
    attempt: Attempt,
  ): Promise<LoadedParts> {
    const startedAt = performance.now()
    const { signal } = options
    const news = new News(options.report)
    const pack = await this.#openPack(input.pack, news, signal)
    const compute = await this.#parts.openCompute(input.prefer, pack.manifest)
    const loading: Loading = { input, options, news, attempt, trial: { ofKernels: null, ofRoom: false } }
    try {
      throwIfCancelled(signal)
      const model = await unlessLost(compute, this.#openModel(pack, compute, loading))
      return { model, compute, later: pack.later, loadMs: performance.now() - startedAt }
    } catch (error) {
      compute.device?.destroy()
      const next = await this.#after(error, pack.later, loading)
      if (next === null) throw error
      return this.#attempt(input, options, next)
    }
  }

  async #openModel(
    pack: PackReader,
    compute: Compute,
    { input, options, news, attempt, trial }: Loading,
  ): Promise<TalkingModel> {
    const { memory, kernels, warmUp } = input
    const { signal } = options
    return openTalkingModel(pack, compute, {
      signal,
      memory,
      kernels,
      without: attempt.without,
      judgements: this.#parts.judgements,
      onTrial: (how) => (trial.ofKernels = how),
      triesRoom: this.#triesRoom,
      onRoomTrial: () => (trial.ofRoom = true),
      warmUp,
      onPart: (part) => {
        if (part === 'warm-up') news.stage({ stage: 'warming-up' })
      },
      onProgress: (graph, done, total) => news.stage({ stage: 'preparing', graph, done, total }),
    })
  }

  /** What to try next; null where nothing is left that may have been to blame. */
  async #after(
    error: unknown,
    later: LaterCheck | undefined,
    { attempt, trial, options: { signal } }: Loading,
  ): Promise<Attempt | null> {
    const { code } = toFailure(error)
    if (code === 'cancelled') return null
    if (code === 'device-lost') {
      if (signal.aborted) return null
      // Under kernels of our own, which are tried here: ONNX Runtime's are used in their place.
      if (trial.ofKernels !== null) return { ...attempt, without: { ...attempt.without, ...trial.ofKernels } }
      if (!trial.ofRoom) return null
      // Browsers give up a GPU whose process dies some times, so it is not asked at the next load either.
      this.#triesRoom = false
      return attempt
    }
    // Weights that the disk has lost since they were kept may be why.
    const mended = attempt.mayMend && (await mendAll(later, signal))
    return mended ? { ...attempt, mayMend: false } : null
  }

  async #openPack(place: PackPlace, news: News, signal: AbortSignal): Promise<PackReader> {
    const pack = await this.#parts.openPack(place, { signal, onBytes: news.bytes })
    news.all(weightBytesOf(pack.manifest))
    return pack
  }
}

/** All but the graphs, of which a device reads one of several kinds. */
function weightBytesOf({ files }: PackManifest): number {
  return files.filter(({ path }) => !path.endsWith('.onnx')).reduce((sum, { bytes }) => sum + bytes, 0)
}
