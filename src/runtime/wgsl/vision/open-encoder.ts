/** Opens a vision encoder over our own kernels, and runs it: one pass and one submit a picture, nothing read back. */
import type { VisionShape } from '../../../pack/shapes.ts'
import type { Runtime } from '../../ort/runtime.ts'
import { gpuBufferOf, type DeviceTensor } from '../../ort/tensor.ts'
import { encode } from '../gpu/kernel.ts'
import { tellingOfLoss } from '../gpu/loss.ts'
import type { StoredTensors } from '../weights/graph-weights.ts'
import { NotForKernels } from '../weights/stored.ts'
import { Uploads } from '../weights/uploads.ts'
import { makeValues, uploadEncoder, type EncoderValues, type EncoderWeights } from './encoder-buffers.ts'
import { compileEncoder, type EncoderKernels } from './encoder-kernels.ts'
import { EncoderLayout, type EncoderLimits } from './encoder-layout.ts'
import { EncoderPasses } from './encoder-passes.ts'
import { encoderPlaces, type EncoderPlaces } from './encoder-weights.ts'
import { nodesOfGraph } from './graph-nodes.ts'

/** Whatever encodes pictures. */
export interface Encoder {
  /** pixels [3, size, size] → float32 [1, tokens, hidden], the caller's; it outlives the encoder. */
  encode(pixels: Float32Array): Promise<DeviceTensor>
  dispose(): Promise<void>
}

export interface EncoderFiles {
  /** A graph of the part, and where the weights lie, as it says. */
  graph: Uint8Array
  tensors: StoredTensors
  weights: { data: Blob | Uint8Array<ArrayBuffer> }
}

export interface OwnEncoderOptions extends EncoderFiles {
  shape: VisionShape
  signal?: AbortSignal | undefined
  /** What compiling one kernel may take, in milliseconds; left out: any time. */
  compileMs?: number | undefined
  /** Compiles, and does what else belongs to that; left out: compiles. */
  compiled?: (<T>(compiling: () => Promise<T>) => Promise<T>) | undefined
  /** Told when the device went away while our kernels were running on it. */
  onLost?: (() => void) | undefined
}

/** Where the weights lie, the shapes of kernels over them, and those kernels, once they are compiled. */
export interface EncoderPlan {
  places: EncoderPlaces
  layout: EncoderLayout
  compiled: Promise<EncoderKernels> | null
}

/** What there is to do for the model on this device, before a weight is read. Throws `NotForKernels`. */
export function planEncoder(
  device: { limits: EncoderLimits },
  { graph, tensors }: Pick<EncoderFiles, 'graph' | 'tensors'>,
  shape: VisionShape,
): EncoderPlan {
  const places = encoderPlaces(tensors, nodesOfGraph(graph), shape)
  return { places, layout: new EncoderLayout(places, shape, device.limits), compiled: null }
}

/**
 * Weights and kernels on the runtime's GPU, as `plan` has them; the plan keeps the kernels for the next time. Throws what
 * compiling and reading weights throw; nothing is left behind then. Of a lack of memory only error scopes tell: see
 * `withoutComplaints`.
 */
export async function openOwnEncoder(
  runtime: Runtime,
  { weights: { data }, shape, signal, compileMs, onLost, compiled = (work) => work() }: OwnEncoderOptions,
  plan: EncoderPlan,
): Promise<OwnEncoder> {
  const { device } = runtime.compute
  if (device === null) throw new NotForKernels('is not run on a GPU')
  const { places, layout } = plan
  const uploads = new Uploads(device, data, signal)
  try {
    // Compiled while weights are on their way.
    const compiling = plan.compiled ?? compiled(() => compileEncoder(device, layout, places, compileMs))
    plan.compiled = compiling
    compiling.catch(() => undefined)
    const values = makeValues(uploads, layout, shape)
    const weights = await uploadEncoder(uploads, places, layout, shape)
    const kernels = await compiling
    const passes = new EncoderPasses({ kernels, layout, places, weights, values })
    return new OwnEncoder({ runtime, device, shape, passes, weights, values, uploads, onLost })
  } catch (error) {
    uploads.dispose()
    throw error
  }
}

interface OwnEncoderParts {
  runtime: Runtime
  device: GPUDevice
  shape: VisionShape
  passes: EncoderPasses
  weights: EncoderWeights
  values: EncoderValues
  uploads: Uploads
  onLost?: (() => void) | undefined
}

export class OwnEncoder implements Encoder {
  readonly #parts: OwnEncoderParts

  /** Takes over all parts but runtime and device. */
  constructor(parts: OwnEncoderParts) {
    this.#parts = parts
  }

  async encode(pixels: Float32Array): Promise<DeviceTensor> {
    const { runtime, device, shape, passes, weights, values } = this.#parts
    const features = runtime.gpuTensor('float32', [1, shape.tokens, shape.hiddenSize])
    try {
      await tellingOfLoss(this.#parts, () => {
        // A view may lie on shared memory, of which a part of the implementations wants none.
        device.queue.writeBuffer(values.pixels, 0, new Float32Array(pixels))
        const encoder = device.createCommandEncoder()
        encoder.copyBufferToBuffer(weights.base, 0, values.stream, 0, weights.base.size)
        const pass = encoder.beginComputePass()
        encode(pass, passes.into(gpuBufferOf(features)))
        pass.end()
        device.queue.submit([encoder.finish()])
        this.#watch()
        return Promise.resolve()
      })
      return features
    } catch (error) {
      features.dispose()
      throw error
    }
  }

  dispose(): Promise<void> {
    this.#parts.uploads.dispose()
    return Promise.resolve()
  }

  /** Nobody waits for a picture here: that the device goes away under it is heard beside what runs next. */
  #watch(): void {
    const { runtime, device, onLost } = this.#parts
    const watched = { device, onLost, runtime: { attempt: runtime.watched } }
    // Whoever waits for something of this device hears of the failure itself.
    tellingOfLoss(watched, () => device.queue.onSubmittedWorkDone(), true).catch(() => undefined)
  }
}
