/**
 * Finds out how products of one row are best spread over workgroups on this device. Each way is timed over the model's own
 * weights, all layers one behind the other, so that no cache of the device holds what comes next.
 */
import { throwIfCancelled } from '../../../pack/failure.ts'
import type { Together } from '../gpu/together.ts'
import type { ProductTuning } from '../kernels/product/product.ts'
import { LAYER_PRODUCTS, type LayerProduct, type Tunings } from './layout.ts'
import type { OptKernels, StepProduct } from './opt-kernels.ts'
import type { OptRuns } from './opt-runs.ts'

/** What a span that is timed should take: well above what sending it takes. */
const SPAN_MS = 10
/** More runs than that are not needed for it on any card. */
const MOST_TIMES = 64
/** Spans of each way, by turns, of which the shortest counts: what else goes on only makes them longer. */
const ROUNDS = 3
/** A gain of less is not told from none. */
const WORTH = 0.97
/** Behind that no other product is begun: those that are left stay as usual. */
const MOST_MS = 4000

export interface TunerOptions {
  kernels: Pick<OptKernels, 'tuningsOf' | 'stepProduct' | 'usualTunings'>
  runs: Pick<OptRuns, 'timed'>
  together: Together
  signal?: AbortSignal | undefined
  /** Milliseconds. */
  now?: () => number
}

/**
 * The fastest way for each product; null where nothing is faster than the usual one. Throws what compiling and running
 * kernels throw. Nothing may be under way on the decoder.
 */
export async function fastestTunings(options: TunerOptions): Promise<Tunings | null> {
  const { kernels, signal, now = () => performance.now() } = options
  const until = now() + MOST_MS
  const found = { ...kernels.usualTunings }
  let better = false
  for (const name of LAYER_PRODUCTS) {
    throwIfCancelled(signal)
    if (now() >= until) break
    const fastest = await fastestOf(name, options)
    if (fastest === null) continue
    found[name] = fastest
    better = true
  }
  return better ? found : null
}

interface Candidate {
  tuning: ProductTuning
  product: StepProduct
  ms: number
}

async function fastestOf(
  name: LayerProduct,
  { kernels, runs, together, signal }: TunerOptions,
): Promise<ProductTuning | null> {
  const candidates = await Promise.all(
    kernels.tuningsOf(name).map(async (tuning): Promise<Candidate> => {
      return { tuning, product: await kernels.stepProduct(name, tuning, together), ms: Infinity }
    }),
  )
  const [usual] = candidates
  if (usual === undefined) return null
  // The first run of all warms up: weights may lie where the device has to fetch them from.
  await runs.timed(name, usual.product, 1)
  const once = await runs.timed(name, usual.product, 1)
  const times = Math.min(MOST_TIMES, Math.max(1, Math.ceil(SPAN_MS / once)))
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const candidate of candidates) {
      throwIfCancelled(signal)
      candidate.ms = Math.min(candidate.ms, await runs.timed(name, candidate.product, times))
    }
  }
  const best = candidates.reduce((a, b) => (b.ms < a.ms ? b : a))
  return best.ms < WORTH * usual.ms ? best.tuning : null
}
