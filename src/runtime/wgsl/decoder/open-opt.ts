/** Opens an OPT decoder over our own kernels. */
import type { PackPart } from '../../../pack/families.ts'
import type { DecoderShape } from '../../../pack/shapes.ts'
import { CacheMemory } from '../../language/cache-memory.ts'
import { DecoderOnly } from '../../language/decoder-only.ts'
import { cacheLayout, type CacheLayout } from '../../language/kv-cache.ts'
import type { Runtime } from '../../ort/runtime.ts'
import type { Together } from '../gpu/together.ts'
import type { StoredTensors } from '../weights/graph-weights.ts'
import { NotForKernels } from '../weights/stored.ts'
import { Uploads } from '../weights/uploads.ts'
import { OptLayout, type Tunings } from './layout.ts'
import { makeActivations, uploadWeights } from './opt-buffers.ts'
import { OptKernels, type DecoderKernels } from './opt-kernels.ts'
import { OptPasses } from './opt-passes.ts'
import { OptRuns } from './opt-runs.ts'
import { optPlaces, type OptPlaces } from './opt-weights.ts'

export interface OptOptions {
  /** Where the weights lie, as a graph of the part says. */
  tensors: StoredTensors
  weights: { data: Blob | Uint8Array<ArrayBuffer> }
  part: PackPart & { shape: DecoderShape }
  cacheType: CacheLayout['type']
  /** Positions that a sequence may have. */
  context: number
  cacheBytes?: number | undefined
  signal?: AbortSignal | undefined
  /** What compiling one kernel may take, in milliseconds; left out: any time. */
  compileMs?: number | undefined
  /** How kernels reduce, to begin with; left out: through memory, which every device has. */
  together?: Together | undefined
  /** Compiles, and does what else belongs to that; left out: compiles. */
  compiled?: (<T>(compiling: () => Promise<T>) => Promise<T>) | undefined
  /** Told when the device went away while our kernels were running on it. */
  onLost?: (() => void) | undefined
}

/** A decoder, and what runs it, for who tries it. */
export interface OwnDecoder {
  language: DecoderOnly
  runs: OptRuns
  /**
   * From now on kernels reduce in this way, and products of one row are spread so; left out: as usual. Throws
   * `KernelsFailed`, and all is as before.
   */
  useKernels: (by: Together, tunings?: Tunings) => Promise<void>
}

/** Where the weights lie, and the kernels over them. */
export interface OptPlan {
  places: OptPlaces
  kernels: OptKernels
}

/** Kernels for the model on this device, before a weight is read. Throws `NotForKernels`. */
export function planOptDecoder(
  device: GPUDevice,
  { tensors, part, cacheType, context, compileMs }: OptOptions,
): OptPlan {
  const places = optPlaces(tensors, part.shape)
  const { maxComputeInvocationsPerWorkgroup: threads, maxComputeWorkgroupStorageSize: bytes } = device.limits
  const layout = new OptLayout(places, part.shape, cacheType, { context, limits: { threads, bytes } })
  return { places, kernels: new OptKernels(device, layout, places, compileMs) }
}

/**
 * Weights and kernels on the runtime's GPU, as `plan` has them. Throws what compiling and reading weights throw; nothing
 * is left behind then. Of a lack of memory only error scopes tell: see `withoutComplaints`.
 */
export async function openOptDecoder(
  runtime: Runtime,
  options: OptOptions,
  { places, kernels }: OptPlan,
): Promise<OwnDecoder> {
  const { weights, part, cacheType, context, cacheBytes, signal, onLost, together = 'memory' } = options
  const { compiled = (compiling) => compiling() } = options
  const { device } = runtime.compute
  if (device === null) throw new NotForKernels('is not run on a GPU')
  const { shape } = part
  const uploads = new Uploads(device, weights.data, signal)
  try {
    // Compiled while weights are on their way. All of them: behind this, nobody looks how long the device takes over one.
    const compiling = compiled(() => kernels.compile(together))
    compiling.catch(() => undefined)
    const values = makeActivations(uploads, kernels, shape, context)
    const stored = await uploadWeights(uploads, places, kernels)
    const passesOver = (ready: DecoderKernels): OptPasses =>
      new OptPasses({ ...ready, kernels, places, weights: stored, values })
    const passes = passesOver(await compiling)
    const runs = new OptRuns({ runtime, device, shape, passes, activations: values, uploads, onLost })
    const memory = new CacheMemory(runtime, cacheLayout(shape, cacheType), cacheBytes)
    return {
      language: new DecoderOnly({ runtime, runs, shape, context, memory }, 'used'),
      runs,
      useKernels: async (by, tunings) => runs.usePasses(passesOver(await kernels.compile(by, tunings))),
    }
  } catch (error) {
    uploads.dispose()
    throw error
  }
}
