/** The vision encoder of a model of any family: pixels → image features. */
import type { Pixels } from '../../image/pixels.ts'
import { AppError } from '../../pack/failure.ts'
import { vision as treaty } from '../../pack/parts.ts'
import type { VisionShape } from '../../pack/shapes.ts'
import type { OnDemandSession, RunOptions } from '../ort/on-demand-session.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import type { PartsOpener } from './open-parts.ts'

export class VisionEncoder {
  readonly shape: VisionShape
  readonly session: OnDemandSession
  readonly #runtime: Runtime

  private constructor(shape: VisionShape, session: OnDemandSession, runtime: Runtime) {
    this.shape = shape
    this.session = session
    this.#runtime = runtime
  }

  static async open(parts: PartsOpener): Promise<VisionEncoder> {
    const session = await parts.openOnDemand('vision', { keepOnDevice: [treaty.output.features] })
    return new VisionEncoder(parts.manifest.parts.vision.shape, session, parts.runtime)
  }

  /** The same, opened when a picture is first encoded. */
  static later(parts: PartsOpener): VisionEncoder {
    const session = parts.onDemand('vision', { keepOnDevice: [treaty.output.features] })
    return new VisionEncoder(parts.manifest.parts.vision.shape, session, parts.runtime)
  }

  /** Features [tokens, hidden] that came about elsewhere, where what runs next finds them; the caller's. */
  resident(features: Float32Array): DeviceTensor {
    const { tokens, hiddenSize } = this.shape
    if (features.length !== tokens * hiddenSize)
      throw new AppError('bug', 'These image features belong to another model.')
    return this.#runtime.resident('float32', features, [1, tokens, hiddenSize])
  }

  /** float32 [1, tokens, hidden], after the post-layernorm; the caller's. */
  async encode(pixels: Pixels, options: RunOptions = {}): Promise<DeviceTensor> {
    const { imageSize } = this.shape
    const input = this.#runtime.tensor('float32', pixels.data, [1, 3, imageSize, imageSize])
    try {
      const feeds = { [treaty.input.pixels]: input }
      const { [treaty.output.features]: features } = await this.session.run(feeds, options)
      if (features === undefined) throw new AppError('bug', 'The vision encoder returned no features.')
      return features
    } finally {
      input.dispose()
    }
  }

  /** Encodes a picture without anything in it. */
  nothing(): Pixels {
    const { imageSize: size } = this.shape
    return { data: new Float32Array(3 * size * size), size, brand: 'pixels' }
  }
}
