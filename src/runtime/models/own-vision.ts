/**
 * What a model's vision encoder runs on: ONNX Runtime, or kernels of our own where those agree with it on this device and
 * are faster by half. As with the decoder (`own-kernels`), whatever goes wrong leads to ONNX Runtime and is remembered.
 */
import type { KernelTimes, OwnKernels } from '../../pack/device-report.ts'
import { AppError } from '../../pack/failure.ts'
import { cacheType } from '../../pack/model-needs.ts'
import { vision as treaty } from '../../pack/parts.ts'
import { outliving } from '../ort/on-demand-session.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import { KernelsFailed, within, withoutComplaints } from '../wgsl/gpu/guard.ts'
import {
  openOwnEncoder,
  planEncoder,
  type Encoder,
  type EncoderPlan,
  type OwnEncoder,
  type OwnEncoderOptions,
} from '../wgsl/vision/open-encoder.ts'
import {
  ENCODER_GAIN,
  ENCODER_TEST_VERSION,
  ENCODER_TEST_WORK,
  pictureMs,
  seesTheSame,
  testFeatures,
} from '../wgsl/vision/self-test.ts'
import type { PartFiles, PartsOpener } from './open-parts.ts'
import { openBetter, type Rivals, type Tried, type TryOptions } from './own-kernels.ts'
import {
  compileLimit,
  fitting,
  leftOut,
  openedAndTested,
  testLimits,
  trialOf,
  whileCompiling,
} from './own-trial.ts'

/** Over ONNX Runtime. */
class GraphEncoder implements Encoder {
  readonly #runtime: Runtime
  readonly #session: Session
  readonly #dims: number[]

  constructor(runtime: Runtime, session: Session, imageSize: number) {
    this.#runtime = runtime
    this.#session = session
    this.#dims = [1, 3, imageSize, imageSize]
  }

  async encode(pixels: Float32Array): Promise<DeviceTensor> {
    const input = this.#runtime.tensor('float32', pixels, this.#dims)
    try {
      const outputs = await this.#session.run({ [treaty.input.pixels]: input })
      const { [treaty.output.features]: features } = await outliving(this.#runtime, outputs)
      if (features === undefined) throw new AppError('bug', 'The vision encoder returned no features.')
      return features
    } finally {
      input.dispose()
    }
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }
}

/** Opens a model's vision encoder, chooses what it runs on, and opens the same again. */
export class EncoderChoice {
  readonly #parts: PartsOpener
  /** Why kernels of our own are not even tried; null where they are. */
  readonly #leftOut: OwnKernels | null
  #ownKernels: OwnKernels
  #times: KernelTimes | null = null
  /** Null where kernels of our own are not used. */
  #own: { plan: EncoderPlan; device: GPUDevice; onFailed: TryOptions['onFailed'] } | null = null

  constructor(parts: PartsOpener) {
    this.#parts = parts
    this.#leftOut = leftOut(parts, 'vision')
    this.#ownKernels = this.#leftOut ?? 'unfit'
  }

  /** Whether kernels of our own are used, or why not. */
  get ownKernels(): OwnKernels {
    return this.#ownKernels
  }

  /** Of a picture; null where not both were measured. */
  get times(): KernelTimes | null {
    return this.#times
  }

  /** The better one, with the model; see `openBetter`. */
  async open(): Promise<Encoder> {
    const parts = this.#parts
    const files = await parts.files('vision')
    const { device } = parts.runtime.compute
    if (this.#leftOut !== null || device === null) return this.#openGraph(files)
    const plan = fitting(() => planEncoder(device, files, parts.manifest.parts.vision.shape))
    if (plan === null) return this.#openGraph(files)
    const rivals: Rivals<Encoder> = {
      openGraph: (why, times) => {
        this.#decide(why, times)
        return this.#openGraph(files)
      },
      judge: () => this.#judge(files),
      tryOwn: (options) => this.#tryOwn({ files, device, plan, options }),
      inUse: (own, times) => {
        this.#decide('used', times)
        return own
      },
    }
    const version = ENCODER_TEST_VERSION
    return openBetter(rivals, trialOf(parts, 'vision', { version, gain: ENCODER_GAIN, device }))
  }

  /** The same that `open` chose, after it was let go of; ONNX Runtime's where ours do not open again. */
  async openAgain(signal: AbortSignal | undefined): Promise<Encoder> {
    const files = await this.#parts.filesAgain('vision', signal)
    if (this.#own === null) return this.#openGraph(files)
    const { plan, device, onFailed } = this.#own
    try {
      const open = (): Promise<OwnEncoder> => this.#openOwn(files, plan, onFailed, signal)
      return await withoutComplaints(device, open, (encoder) => encoder.dispose())
    } catch (error) {
      if (!(error instanceof KernelsFailed)) throw error
      onFailed(error.how)
      this.#decide(error.how, this.#times)
      return this.#openGraph(files)
    }
  }

  #decide(ownKernels: OwnKernels, times: KernelTimes | null): void {
    this.#ownKernels = ownKernels
    this.#times = times
    if (ownKernels !== 'used') this.#own = null
  }

  async #openGraph({ graph, weights }: PartFiles): Promise<Encoder> {
    const { runtime, manifest } = this.#parts
    const session = await runtime.session({ graph, weights, keepOnDevice: [treaty.output.features] })
    return new GraphEncoder(runtime, session, manifest.parts.vision.shape.imageSize)
  }

  #openOwn(
    files: PartFiles,
    plan: EncoderPlan,
    onFailed: TryOptions['onFailed'],
    signal: AbortSignal | undefined,
    compiled?: OwnEncoderOptions['compiled'],
  ): Promise<OwnEncoder> {
    const { runtime, manifest } = this.#parts
    const { shape } = manifest.parts.vision
    const compileMs = compileLimit(runtime.compute)
    const options = { ...files, shape, signal, compileMs, compiled, onLost: () => onFailed('lost') }
    return runtime.attempt(() => openOwnEncoder(runtime, options, plan))
  }

  async #judge(files: PartFiles): ReturnType<Rivals<Encoder>['judge']> {
    const { runtime, manifest, signal } = this.#parts
    const { shape } = manifest.parts.vision
    const encoder = await this.#openGraph(files)
    const tried = { encoder, shape, signal }
    try {
      return { expected: [await testFeatures(tried)], ms: await pictureMs(runtime, tried) }
    } finally {
      await encoder.dispose()
    }
  }

  /** Ours, opened and tested. What is not used is let go of. */
  async #tryOwn({
    files,
    device,
    plan,
    options: { expected, known, otherMs, onFailed, atRisk },
  }: {
    files: PartFiles
    device: GPUDevice
    plan: EncoderPlan
    options: TryOptions
  }): Promise<Tried<Encoder>> {
    const { runtime, manifest, signal } = this.#parts
    const { vision } = manifest.parts
    const { firstRunsMs, testMs } = testLimits(runtime.compute, ENCODER_TEST_WORK, otherMs)
    const type = cacheType(vision, runtime.compute)
    const compiled = whileCompiling(known, atRisk)
    const open = (): Promise<OwnEncoder> => this.#openOwn(files, plan, onFailed, signal, compiled)
    const test = async (encoder: OwnEncoder): Promise<{ ms: number | null } | null> => {
      const tried = { encoder, shape: vision.shape, signal }
      const agrees = async (): Promise<boolean> =>
        seesTheSame(await testFeatures(tried), expected[0] ?? new Float32Array(), type)
      if (!(await within(firstRunsMs, 'stuck', agrees()))) return null
      if (known) return { ms: null }
      // Once more behind others: nothing of a picture may be left for the next.
      const rest = async (): Promise<{ ms: number } | null> => {
        const ms = await pictureMs(runtime, tried)
        return (await agrees()) ? { ms } : null
      }
      return within(testMs, 'stuck', rest())
    }
    const guarded = (encoder: OwnEncoder): ReturnType<typeof test> =>
      atRisk('memory', () =>
        withoutComplaints(
          device,
          () => test(encoder),
          () => Promise.resolve(),
        ),
      )
    const opened = await openedAndTested(device, open, guarded, (encoder) => encoder.dispose())
    if (opened === null) return { model: null, ms: null }
    this.#own = { plan, device, onFailed }
    return { model: opened.own, ...opened.outcome }
  }
}
