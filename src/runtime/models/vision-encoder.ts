/** The vision encoder of a model of any family: pixels → image features. */
import type { Pixels } from '../../image/pixels.ts'
import type { KernelTimes, OwnKernels } from '../../pack/device-report.ts'
import { AppError } from '../../pack/failure.ts'
import type { VisionShape } from '../../pack/shapes.ts'
import { OnDemand, type RunOptions } from '../ort/on-demand.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import type { Encoder } from '../wgsl/vision/open-encoder.ts'
import type { PartsOpener } from './open-parts.ts'
import { EncoderChoice } from './own-vision.ts'

/** Whether it runs on kernels of our own, or why not, and what a picture took on both. */
export interface VisionKernels {
  ownKernels: OwnKernels
  /** Null where not both were measured. */
  times: KernelTimes | null
}

export class VisionEncoder {
  readonly shape: VisionShape
  /** Where it is opened and let go of. */
  readonly session: OnDemand<Encoder>
  readonly #runtime: Runtime
  readonly #choice: EncoderChoice

  private constructor({ manifest, runtime }: PartsOpener, choice: EncoderChoice, opened: Encoder | null) {
    this.shape = manifest.parts.vision.shape
    this.session = new OnDemand((signal) => choice.openAgain(signal), opened)
    this.#runtime = runtime
    this.#choice = choice
  }

  /** On whatever is better here. */
  static async open(parts: PartsOpener): Promise<VisionEncoder> {
    const choice = new EncoderChoice(parts)
    return new VisionEncoder(parts, choice, await choice.open())
  }

  /** Over ONNX Runtime, opened when a picture is first encoded: nobody waits for a test then. */
  static later(parts: PartsOpener): VisionEncoder {
    return new VisionEncoder(parts, new EncoderChoice(parts), null)
  }

  get kernels(): VisionKernels {
    const { ownKernels, times } = this.#choice
    return { ownKernels, times }
  }

  /** Features [tokens, hidden] that came about elsewhere, where what runs next finds them; the caller's. */
  resident(features: Float32Array): DeviceTensor {
    const { tokens, hiddenSize } = this.shape
    if (features.length !== tokens * hiddenSize)
      throw new AppError('bug', 'These image features belong to another model.')
    return this.#runtime.resident('float32', features, [1, tokens, hiddenSize])
  }

  /** float32 [1, tokens, hidden], after the post-layernorm; the caller's. */
  encode({ data }: Pixels, options: RunOptions = {}): Promise<DeviceTensor> {
    return this.session.use((encoder) => encoder.encode(data), options)
  }

  /** Encodes a picture without anything in it. */
  nothing(): Pixels {
    const { imageSize: size } = this.shape
    return { data: new Float32Array(3 * size * size), size, brand: 'pixels' }
  }
}
