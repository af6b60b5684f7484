/**
 * A decoder-only model (OPT) over a KV cache that holds query embeddings, prompt and answer one behind the other: a
 * prompt that begins like what is there goes on from where they part.
 */
import type { KernelTimes, OwnKernels } from '../../pack/device-report.ts'
import { AppError } from '../../pack/failure.ts'
import type { DecoderShape } from '../../pack/shapes.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import { CacheMemory } from './cache-memory.ts'
import { DecoderBatch } from './decoder-batch.ts'
import { capacityFor, longestOf, range, type DecoderParts } from './decoder-parts.ts'
import { DecoderOnlySequence } from './decoder-sequence.ts'
import { GraphRuns, type Recording } from './graph-runs.ts'
import { cacheLayout, type CacheLayout } from './kv-cache.ts'
import type { Batch, BatchNeed, LanguageModel, Sequence } from './language-model.ts'
import { OneTokenStep } from './one-token-step.ts'
import { openCache } from './open-cache.ts'
import { recordsRightly } from './recording-check.ts'
import { rowsAgree } from './rows-check.ts'
import type { TracedTensor } from './traced.ts'

export interface DecoderOnlyOptions {
  /** A session whose steps can be recorded, where there is a graphics device. */
  openSession: () => Promise<Session>
  /**
   * One that records nothing, when recording turns out not to work here, or to change what comes out. Perhaps asked for
   * long after, so it should hold no weights until then.
   */
  openPlain: () => Promise<Session>
  shape: DecoderShape
  cacheType: CacheLayout['type']
  /** Positions that a sequence may have. */
  context: number
  /** Why it is ONNX Runtime that runs it. */
  ownKernels: OwnKernels
  /** What all caches may take together; see `MemoryBudget`. */
  cacheBytes?: number | undefined
}

export class DecoderOnly implements LanguageModel {
  readonly ownKernels: OwnKernels
  /** To be set by who measured. */
  kernelTimes: KernelTimes | null = null
  readonly #parts: DecoderParts
  /** Whether rows of one batch come out right; null before the first were asked for. */
  #rows: Promise<boolean> | null = null

  /** Over whatever runs the decoder; takes over `runs` and `memory`. */
  constructor(parts: DecoderParts, ownKernels: OwnKernels) {
    this.#parts = parts
    this.ownKernels = ownKernels
  }

  /** Over ONNX Runtime. */
  static async open(runtime: Runtime, options: DecoderOnlyOptions): Promise<DecoderOnly> {
    const { openSession, openPlain, shape, cacheType, context, cacheBytes, ownKernels } = options
    const session = await openSession()
    const memory = new CacheMemory(runtime, cacheLayout(shape, cacheType), cacheBytes)
    const shared = { runtime, shape, context, memory }
    const recording = session.records ? recordingOf(shared, session, openPlain) : null
    return new DecoderOnly({ ...shared, runs: new GraphRuns(runtime, session, recording) }, ownKernels)
  }

  /** Names of outputs that never leave the GPU. */
  static deviceOutputs(shape: DecoderShape): string[] {
    return cacheLayout(shape, 'float32').names.map(({ present }) => present)
  }

  get records(): boolean | null {
    return this.#parts.runs.records
  }

  useRecordings(use: boolean): void {
    this.#parts.runs.useRecordings(use)
  }

  promptRoom(newTokens: number): number {
    // The last token of an answer is never run, so it needs no position.
    return longestOf(this.#parts) - this.#parts.shape.queries - newTokens + 1
  }

  answerRoom(promptTokens: number): number {
    return this.promptRoom(promptTokens)
  }

  async warmUp(tokens: number): Promise<void> {
    const { runtime, runs, shape, memory, context } = this.#parts
    const count = Math.min(tokens, context - shape.queries)
    const rows = range(0, shape.queries + count)
    const zeros = new Float32Array(shape.queries * shape.hiddenSize)
    const cache = await openCache(memory, capacityFor(rows.length, context))
    // As embeddings come from the Q-Former: on the GPU where there is one, which kernels of our own rely on.
    const queries = runtime.resident('float32', zeros, [1, shape.queries, shape.hiddenSize])
    try {
      // What comes out of nothing is of no interest, not even whether it is a number.
      await runs.run(cache, {
        queries,
        tokens: Array<number>(count).fill(shape.bosId),
        batch: 1,
        rows,
        past: [0],
        logitRows: [rows.length - 1],
      })
    } finally {
      queries.dispose()
      cache.dispose()
    }
    await runs.checkRecording?.()
  }

  start(queries: DeviceTensor): Sequence {
    return new DecoderOnlySequence(this.#parts, queries)
  }

  async openBatch(rows: number, need: BatchNeed): Promise<Batch | null> {
    this.#rows ??= this.#checkRows().catch((error: unknown) => {
      // What is no number is wrong; anything else is another matter, and may pass.
      if (error instanceof AppError && error.code === 'bad-pack') return false
      this.#rows = null
      throw error
    })
    return (await this.#rows) ? DecoderBatch.open(this.#parts, rows, need) : null
  }

  /**
   * ONNX Runtime's attention over rows of different lengths is tried on each graphics device before it is used. Our own
   * kernels have passed with the rest of them.
   */
  async #checkRows(): Promise<boolean> {
    const { runtime, shape, memory } = this.#parts
    if (runtime.compute.device === null || this.ownKernels === 'used') return true
    const openBatch: LanguageModel['openBatch'] = (rows, need) => DecoderBatch.open(this.#parts, rows, need)
    const language = { start: (queries: DeviceTensor) => this.start(queries), openBatch }
    return rowsAgree({ runtime, language, shape, cacheType: memory.layout.type })
  }

  async trace(queries: DeviceTensor, prompt: readonly number[]): Promise<TracedTensor[]> {
    const sequence = new DecoderOnlySequence(this.#parts, queries)
    const { queries: inFront, vocabulary } = this.#parts.shape
    try {
      const values = await sequence.read(prompt, 'all')
      return [{ name: 'logits', shape: [1, inFront + prompt.length, vocabulary], values }]
    } finally {
      sequence.dispose()
    }
  }

  async dispose(): Promise<void> {
    const { memory, runs } = this.#parts
    try {
      // Behind it nothing is given back any more.
      await runs.dispose()
    } finally {
      memory.dispose()
    }
  }
}

function recordingOf(
  shared: Omit<DecoderParts, 'runs'>,
  session: Session,
  openPlain: Recording['openPlain'],
): Recording {
  const step = new OneTokenStep(shared.runtime, session, shared.shape)
  return { step, comesOutRight: () => recordsRightly(shared, step), openPlain }
}
