/**
 * Opens the parts of a model one after the other. While one is opened and warmed, the weights of the next are read, and
 * hashed where that is not done later.
 */
import { bytesOfFile } from '../../pack/bytes.ts'
import type { KernelChoice, KernelFailure } from '../../pack/device-report.ts'
import { AppError, throwIfCancelled } from '../../pack/failure.ts'
import { partNamed, type Family, type PackPart, type PartName } from '../../pack/families.ts'
import type { PackManifest, PackReader } from '../../pack/manifest.ts'
import { targetFor } from '../../pack/targets.ts'
import { OnDemandSession } from '../ort/on-demand-session.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { Session, SessionOptions } from '../ort/session.ts'
import { WeightsAhead } from '../ort/weights/weights-ahead.ts'
import type { Tunings } from '../wgsl/decoder/layout.ts'
import type { Together } from '../wgsl/gpu/together.ts'
import { weightsOfGraph, type StoredTensors } from '../wgsl/weights/graph-weights.ts'

export interface OpenOptions {
  /** Told before each part, of how many are open. */
  onProgress?: ((part: PartName, done: number, total: number) => void) | undefined
  /** Told when a graph's files are there and its session is made, and when pipelines are warmed. */
  onPart?: ((part: { creating: PartName } | 'warm-up') => void) | undefined
  signal?: AbortSignal | undefined
  /**
   * Runs everything once while loading, so that the first picture does not wait for shaders. Left out: on a graphics
   * card, but not on a software rasteriser, where a run of the full size takes minutes.
   */
  warmUp?: boolean | undefined
  /** Left out: `never`. */
  kernels?: KernelChoice | undefined
  /** Parts for which kernels of our own are left out, and why: the device went away under them a moment ago. */
  without?: Without | undefined
  /** Where the self-test of our kernels is remembered; left out: nowhere, and the judge is asked each time. */
  judgements?: Judgements | undefined
  /** Told, while our kernels are tried, how they will have failed if the device goes away; null when that is over. */
  onTrial?: ((ifLost: Without | null) => void) | undefined
}

/** Parts that there are kernels of our own for. */
export type KernelPart = Extract<PartName, 'vision' | 'decoder'>

/** How kernels of our own failed, by part. */
export type Without = Partial<Record<KernelPart, KernelFailure>>

/** What the self-test of our kernels has found out on one device. */
export interface Judgement {
  /** What ONNX Runtime computed. */
  expected: Float32Array<ArrayBuffer>[]
  /** Milliseconds of a token or a picture, ONNX Runtime's and ours; null as long as ours were not measured. */
  times: { other: number; own: number | null }
  /**
   * Whether kernels of ours reduce within subgroups, where the device has them: they passed with them, and a token took no
   * longer. Null as long as that was not tried to the end.
   */
  subgroups: boolean | null
  /** How products of one row are best spread over workgroups here. Null as long as that was not looked for to the end. */
  tunings: Tunings | 'usual' | null
  /** Whether ours computed the same, once a test has come to its end. */
  verdict: 'right' | 'wrong' | null
  /**
   * By what was tried: tests that were begun since and came to no end. Written down before each, since of a device that takes
   * the page with it nothing is heard; but it may be that somebody closed the tab.
   */
  unfinished: Record<Risk, number>
  /** How often ours have failed, under answers as well, and how the last time. */
  failures: number
  failure: KernelFailure | null
}

/** What may take the device away: kernels that reduce in one way or the other, or are spread otherwise than usual. */
export type Risk = Together | 'tunings'

/** What a judgement holds for. */
export interface JudgementKey {
  /** Part, weights and device, of which there is one judgement at most. */
  subject: string
  /** Kernels, their test and the browser: of other ones nothing is known any more. */
  state: string
}

/** Judgements by what they hold for. Neither call rejects. */
export interface Judgements {
  recall(key: JudgementKey): Promise<Judgement | undefined>
  keep(key: JudgementKey, judgement: Judgement): Promise<void>
}

export type PartFiles = Required<Pick<SessionOptions, 'graph' | 'weights'>> & {
  /** Where in the weights each tensor lies, as the graph says. */
  tensors: StoredTensors
}

type PartOptions = Pick<SessionOptions, 'keepOnDevice' | 'recordable'>

export class PartsOpener<F extends Family = Family> {
  readonly runtime: Runtime
  readonly pack: PackReader<F>
  readonly #order: readonly PartName[]
  readonly #options: OpenOptions
  readonly #ahead: WeightsAhead
  /** Parts whose files have been there once: only the first time round is the next one read ahead. */
  readonly #met = new Set<PartName>()

  /** `order` has every part that is opened with the model, in that order. */
  constructor(runtime: Runtime, pack: PackReader<F>, order: readonly PartName[], options: OpenOptions) {
    this.runtime = runtime
    this.pack = pack
    this.#order = order
    this.#options = options
    this.#ahead = new WeightsAhead(pack, options.signal)
    const [first] = order
    if (first !== undefined) this.#ahead.ask(this.#weights(first))
  }

  get manifest(): PackManifest<F> {
    return this.pack.manifest
  }

  /** A part that stays. */
  open(part: PartName, options: PartOptions): Promise<Session> {
    this.#announce(part)
    return this.#session(part, options, this.#options.signal)
  }

  /** What a part's session is made of, read once: for whoever makes it, or something else of it. */
  async files(part: PartName): Promise<PartFiles> {
    this.#announce(part)
    return this.#files(part, this.#options.signal)
  }

  /** The same once more, for what was let go of in between. */
  filesAgain(part: PartName, signal: AbortSignal | undefined): Promise<PartFiles> {
    return this.#files(part, signal)
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal
  }

  /** What people and callers want of kernels of our own. */
  get trial(): Pick<OpenOptions, 'kernels' | 'without' | 'judgements' | 'onTrial'> {
    return this.#options
  }

  /** A part that may be released in between; it is opened now. */
  async openOnDemand(part: PartName, options: PartOptions): Promise<OnDemandSession> {
    this.#announce(part)
    const session = this.onDemand(part, options)
    await session.open(this.#options.signal)
    return session
  }

  /** A part that is opened when it is first run. */
  onDemand(part: PartName, options: PartOptions): OnDemandSession {
    return new OnDemandSession(this.runtime, (signal) => this.#session(part, options, signal))
  }

  /** Does `run`, which builds the shaders of what was opened last, where that is worth its time. */
  async warmUp(run: () => Promise<void>): Promise<void> {
    const { compute } = this.runtime
    const { warmUp = compute.provider === 'webgpu' && !compute.software, signal, onPart } = this.#options
    if (!warmUp) return
    throwIfCancelled(signal)
    onPart?.('warm-up')
    await run()
  }

  /** Ends what is being read ahead and was not taken. */
  finish(): void {
    this.#ahead.cancel()
  }

  #announce(part: PartName): void {
    throwIfCancelled(this.#options.signal)
    this.#options.onProgress?.(part, this.#order.indexOf(part), this.#order.length)
  }

  async #session(part: PartName, options: PartOptions, signal: AbortSignal | undefined): Promise<Session> {
    const { graph, weights } = await this.#files(part, signal)
    return this.runtime.session({ graph, weights, ...options })
  }

  async #files(part: PartName, signal: AbortSignal | undefined): Promise<PartFiles> {
    throwIfCancelled(signal)
    const graph = await this.#graph(part, signal)
    const path = this.#weights(part)
    // What it names wrongly would be read as other weights, without a word.
    const tensors = weightsOfGraph(graph, path)
    const data = await this.#ahead.take(path, signal)
    throwIfCancelled(signal)
    this.#askForNext(part)
    this.#options.onPart?.({ creating: part })
    return { graph, tensors, weights: { path, data } }
  }

  async #graph(part: PartName, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
    const { compute } = this.runtime
    const paths = this.#part(part).graphs
    const path = paths[targetFor(compute, paths)]
    if (path === undefined)
      throw new AppError(
        'bad-pack',
        `This pack has no ${part} graph for ${compute.provider}; convert it again.`,
      )
    return bytesOfFile(await this.pack.file(path, signal))
  }

  #weights(part: PartName): string {
    return this.#part(part).weights
  }

  #part(name: PartName): PackPart {
    const part = partNamed(this.manifest, name)
    if (part === undefined) throw new AppError('bug', `${this.manifest.family} has no part ${name}.`)
    return part
  }

  #askForNext(part: PartName): void {
    if (this.#met.has(part)) return
    this.#met.add(part)
    const place = this.#order.indexOf(part)
    const next = place < 0 ? undefined : this.#order[place + 1]
    if (next !== undefined) this.#ahead.ask(this.#weights(next))
  }
}
