/**
 * One budget for everything that a model takes of a device: weights, values on their way through it, whether what looks
 * stays loaded, how long a conversation may be, and what is left for several answers at once. Pure, so that a model can be judged before it is
 * fetched.
 */
import type { DeviceMemory } from './device-memory.ts'
import type { ContextReport, MemoryChoice, MemoryReport } from './device-report.ts'

const GIB = 2 ** 30

export interface ModelNeeds {
  /** Of all parts, as they lie in memory. */
  weightBytes: number
  /** Of values on their way through it, on a graphics device (`kernel-memory`). */
  workBytes: number
  /** Null for a model that only looks. */
  cache: CacheNeeds | null
}

/** What the language model's KV caches need; all of one row. */
export interface CacheNeeds {
  /** The longest sequence that the model could have. */
  positions: number
  /** One position of all tensors. */
  positionBytes: number
  /** One position of the one tensor that one GPU buffer must hold. */
  tensorPositionBytes: number
}

export interface MemoryBudget {
  /** Everything together may take this much. */
  bytes: number
  /** Whether weights, values on their way and the smallest caches stay within it. What does not is tried all the same when it is loaded. */
  fits: boolean
  /** Whether what looks stays loaded. */
  look: MemoryReport
  /** Null where there is no language model. */
  talk: TalkBudget | null
}

export interface TalkBudget {
  context: ContextReport
  /** What all KV caches may take together, those of several answers at once included. */
  cacheBytes: number
}

/** What Windows lets graphics have of the machine's memory (WDDM's shared limit), and about what phones bear. */
const SHARE = 1 / 2

/** Of the budget; the rest is for caches and values on their way. */
const SHARE_FOR_KEPT_WEIGHTS = 2 / 3

/** WebAssembly addresses 4 GiB, and inputs, outputs and the runtime itself need some of it. */
const WASM_BYTES = 3.5 * GIB

/** Below this no conversation is worth having: a picture has 32 positions and an answer 30. */
const SMALLEST_CONTEXT = 256

/**
 * Of full length: two pictures under discussion (the engine's `MOST_DISCUSSIONS`), and the half from which one of them is
 * copied when it grows. Spare sets (`CacheMemory`) are let go of where memory is short.
 */
const CACHES_ON_GPU = 2.5

/** Two pictures under discussion, and the tensors that a run makes anew. */
const CACHES_ON_PROCESSOR = 3

/** Of the smallest context: what is always allowed, spare sets included. */
const LEAST_CACHES = 4

/** Browsers tell of 8 GiB where there is more, newer ones of 32; where they tell of less there is no more. */
const LEAST_CAP_GIB = 8

/** What is asked for in a trial beyond what is needed, for everybody else. */
const TRIAL_MARGIN = 1.25

/** Rows of one batch at most: what our kernels take in one tile, and as many as share what a run costs in any case. */
export const MOST_ROWS = 8

/** On the processor a run makes its tensors anew; on the GPU a batch that shrinks is copied into a smaller one. */
const COPIES_OF_ROWS = 2

/** How many rows, of `rowBytes` in all caches each, one batch may have where caches may take `bytesLeft` more. */
export function rowsOfBatch(bytesLeft: number, rowBytes: number): number {
  return Math.max(1, Math.min(MOST_ROWS, Math.floor(bytesLeft / (COPIES_OF_ROWS * rowBytes))))
}

/** How a device's memory is shared. `choice` is what people want of what looks. */
export function budgetFor(
  { weightBytes, workBytes, cache }: ModelNeeds,
  memory: DeviceMemory,
  choice: MemoryChoice,
): MemoryBudget {
  const share = SHARE * memory.gib * GIB
  const bytes =
    memory.bufferBytes === null ? Math.min(share, WASM_BYTES) : Math.max(share, memory.givenBytes ?? 0)
  const look = lookReport(weightBytes, memory, choice)
  const taken = weightBytes + workBytes
  if (cache === null) return { bytes, fits: taken <= bytes, look, talk: null }
  const caches = memory.bufferBytes === null ? CACHES_ON_PROCESSOR : CACHES_ON_GPU
  // Even where weights leave nothing, an answer is tried rather than refused.
  const least = LEAST_CACHES * Math.min(SMALLEST_CONTEXT, cache.positions) * cache.positionBytes
  const cacheBytes = Math.max(bytes - taken, least)
  const context = contextReport(cache, cacheBytes / caches, memory)
  return { bytes, fits: taken + least <= bytes, look, talk: { context, cacheBytes } }
}

/** A context that a graphics device may have room for, although nothing that is told of it says so. */
export interface RoomTrial {
  positions: number
  /** Of weights, values and caches: what `DeviceMemory.givenBytes` becomes. */
  bytes: number
  /** What to ask for. */
  askedBytes: number
}

/**
 * Longer contexts to ask a graphics device for before a model is opened, the longest first. Nothing is tried where memory
 * is unknown, short, or less than what would be asked for, unless people say that there is plenty; and never where they
 * want it spared, or of a software renderer, whose memory is the system's and always given.
 */
export function roomTrials(needs: ModelNeeds, memory: DeviceMemory, choice: MemoryChoice): RoomTrial[] {
  const { weightBytes, workBytes, cache } = needs
  const { talk } = budgetFor(needs, memory, choice)
  if (cache === null || talk === null || memory.bufferBytes === null) return []
  if (memory.software || choice === 'spare') return []
  const mayBeMore = memory.told && memory.gib >= LEAST_CAP_GIB
  const mostBytes = choice === 'plenty' ? Infinity : mayBeMore ? memory.gib * GIB : 0
  const inBuffer = memory.bufferBytes / cache.tensorPositionBytes
  return contextsOf(cache.positions)
    .filter((positions) => positions > talk.context.positions && positions <= inBuffer)
    .map((positions) => {
      const bytes = weightBytes + workBytes + CACHES_ON_GPU * positions * cache.positionBytes
      return { positions, bytes, askedBytes: TRIAL_MARGIN * bytes }
    })
    .filter(({ askedBytes }) => askedBytes <= mostBytes)
}

/** The model's maximum and the powers of two below it, from the longest to the smallest that is worth having. */
function contextsOf(possible: number): number[] {
  const contexts = [possible]
  for (let next = 2 ** Math.ceil(Math.log2(possible) - 1); next >= SMALLEST_CONTEXT; next /= 2)
    contexts.push(next)
  return contexts
}

/** The model's maximum, or else the largest power of two, at least 256, of which all caches fit. */
function contextReport(
  { positions: possible, positionBytes, tensorPositionBytes }: CacheNeeds,
  bytesOfEach: number,
  memory: DeviceMemory,
): ContextReport {
  const inMemory = bytesOfEach / positionBytes
  const inBuffer = (memory.bufferBytes ?? Infinity) / tensorPositionBytes
  const most = Math.max(Math.min(inMemory, inBuffer), SMALLEST_CONTEXT)
  if (possible <= most) return { positions: possible, possible, why: 'model' }
  const positions = 2 ** Math.floor(Math.log2(most))
  if (inBuffer < inMemory) return { positions, possible, why: 'buffer' }
  if (boundByWasm(memory)) return { positions, possible, why: 'wasm' }
  return { positions, possible, why: memory.told ? 'memory' : 'assumed-memory' }
}

/** Whether what WebAssembly addresses is less than the model's share of the device. */
export function boundByWasm(memory: DeviceMemory): boolean {
  return memory.bufferBytes === null && WASM_BYTES <= SHARE * memory.gib * GIB
}

/** Whether vision encoder and Q-Former stay loaded between pictures. The language model always does. */
function lookReport(weightBytes: number, memory: DeviceMemory, choice: MemoryChoice): MemoryReport {
  if (choice === 'keep') return { keepsAll: true, why: { kind: 'chosen' } }
  if (choice === 'plenty') return { keepsAll: true, why: { kind: 'plenty' } }
  if (choice === 'spare') return { keepsAll: false, why: { kind: 'chosen' } }
  // A WebAssembly heap does not shrink, so what is released there goes to nobody else.
  if (memory.bufferBytes === null) return { keepsAll: true, why: { kind: 'wasm' } }
  const { gib, told } = memory
  const keepsAll = weightBytes <= SHARE_FOR_KEPT_WEIGHTS * SHARE * gib * GIB
  return { keepsAll, why: { kind: 'share', gib, told } }
}
