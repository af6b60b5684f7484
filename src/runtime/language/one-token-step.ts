/**
 * A step of the decoder by one token, recorded once for every set of cache tensors and replayed from then on: ONNX
 * Runtime's work between the GPU commands, the larger part of a small step, is done once. What changes from step to
 * step is written into GPU tensors that stay.
 */
import { decoder as treaty, POSITION_OFFSET } from '../../pack/parts.ts'
import { AppError } from '../../pack/failure.ts'
import type { DecoderShape } from '../../pack/shapes.ts'
import type { KvCache } from './kv-cache.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import { disposeTensors, type DeviceTensor } from '../ort/tensor.ts'

export class OneTokenStep {
  readonly #runtime: Runtime
  readonly #session: Session
  readonly #inputs: Record<string, DeviceTensor>
  readonly #token: DeviceTensor
  readonly #position: DeviceTensor
  readonly #lastPosition: DeviceTensor
  readonly #totalLength: DeviceTensor
  readonly #logits: DeviceTensor
  readonly #staging: GPUBuffer
  /** Recordings whose shaders are known to be built: recording goes wrong when they have to be built on the way. */
  readonly #prepared = new Set<number>()

  constructor(runtime: Runtime, session: Session, shape: DecoderShape) {
    const { input } = treaty
    this.#runtime = runtime
    this.#session = session
    this.#token = runtime.gpuTensor('int64', [1, 1])
    this.#position = runtime.gpuTensor('int64', [1, 1])
    this.#lastPosition = runtime.gpuTensor('int32', [1])
    this.#totalLength = runtime.gpuTensor('int32', [1])
    this.#logits = runtime.gpuTensor('float32', [1, 1, shape.vocabulary])
    this.#staging = runtime.staging(this.#logits)
    const rows = runtime.gpuTensor('int64', [1])
    // Behind the queries lies the token. The queries themselves are not read, but have to be there.
    runtime.write(rows, BigInt64Array.of(BigInt(shape.queries)))
    this.#inputs = {
      [input.tokens]: this.#token,
      [input.positions]: this.#position,
      [input.lastPosition]: this.#lastPosition,
      [input.totalLength]: this.#totalLength,
      [input.rows]: rows,
      [input.logitRows]: runtime.gpuTensor('int64', [1]),
      [input.queries]: runtime.gpuTensor('float32', [1, shape.queries, shape.hiddenSize]),
    }
  }

  /** Runs `token` behind `past` positions of `cache`, which is of one row. Returns logits [vocabulary]. */
  async run(cache: KvCache, token: number, past: number): Promise<Float32Array<ArrayBuffer>> {
    const { recording } = cache
    if (recording === null) throw new AppError('bug', 'A cache that is not on the GPU cannot be recorded.')
    this.#runtime.write(this.#token, BigInt64Array.of(BigInt(token)))
    this.#runtime.write(this.#position, BigInt64Array.of(BigInt(past + POSITION_OFFSET)))
    this.#runtime.write(this.#lastPosition, Int32Array.of(past))
    this.#runtime.write(this.#totalLength, Int32Array.of(past + 1))
    const feeds = { ...this.#inputs, ...cache.past() }
    const into = { [treaty.output.logits]: this.#logits, ...cache.into() }
    if (this.#prepared.has(recording)) await this.#session.run(feeds, into, recording)
    else {
      await this.#session.run(feeds, into)
      this.#prepared.add(recording)
    }
    return this.#runtime.readBack(this.#logits, this.#staging)
  }

  dispose(): void {
    disposeTensors(this.#inputs)
    this.#logits.dispose()
    this.#staging.destroy()
  }
}
