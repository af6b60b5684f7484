/**
 * An OPT decoder over our own kernels: one pass and one submit for each token, five dispatches a layer. A greedy chain
 * needs nothing from the host between tokens; several are under way, so that nobody waits for a read-back.
 */
import type { DecoderShape } from '../../../pack/shapes.ts'
import { noNumbers, type DecoderRun, type DecoderRuns } from '../../language/decoder-parts.ts'
import type { RunCache } from '../../language/kv-cache.ts'
import type { Choice, Logits, TopRow, TopWanted } from '../../language/language-model.ts'
import { createOwnBuffer } from '../../ort/session-buffers.ts'
import type { Runtime } from '../../ort/runtime.ts'
import { gpuBufferOf, type DeviceTensor } from '../../ort/tensor.ts'
import { encode, type Dispatch } from '../gpu/kernel.ts'
import { tellingOfLoss } from '../gpu/loss.ts'
import { stateWords, type RowState, type RunState } from '../gpu/state.ts'
import { ownersWords } from '../kernels/attention/owners.ts'
import { CHOICE_BYTES, choiceOf } from '../kernels/choose/choose.ts'
import { foundBytes, foundRows, topWords } from '../kernels/top/top.ts'
import type { Uploads } from '../weights/uploads.ts'
import { SPLIT_FROM, type LayerProduct } from './layout.ts'
import { MOST_LOGIT_ROWS, type Activations } from './opt-buffers.ts'
import type { StepProduct } from './opt-kernels.ts'
import type { OptPasses } from './opt-passes.ts'

/** Tokens under way at once: enough to hide the way back of one, few enough to waste little behind an answer's end. */
const DEPTH = 3

/** Of a cache that has no other. */
const FIRST_POSITION: RunState = {
  capacity: 1,
  logitRow: 0,
  rows: [{ source: { token: 0 }, position: 0, slot: 0 }],
}

export interface OptRunsParts {
  runtime: Runtime
  device: GPUDevice
  shape: DecoderShape
  passes: OptPasses
  activations: Activations
  uploads: Uploads
  onLost?: (() => void) | undefined
}

/** Dispatches, and the state that they begin with; null where those before them leave it. */
interface Work {
  dispatches: readonly Dispatch[]
  state: RunState | null
  /** What else they read, by buffer. */
  words?: readonly (readonly [GPUBuffer, Uint32Array<ArrayBuffer>])[]
}

/** Memory through which something comes back, while it is in no other use. */
type Staging = GPUBuffer[]

export class OptRuns implements DecoderRuns {
  /** Nothing of ONNX Runtime's is recorded: bind groups are made once and dispatches encoded anew. */
  readonly records = false
  readonly readsOwners = true
  readonly #parts: OptRunsParts
  #passes: OptPasses
  readonly #logitStaging: GPUBuffer
  /** Memory through which choices come back, none of it in use. */
  readonly #choiceStaging: Staging = []
  readonly #topStaging: Staging = []
  /** How often the host has set the state. */
  #writes = 0
  /** From so many positions on attention of one row is split. */
  #splitFrom = SPLIT_FROM

  /** Takes over all parts but runtime and device. */
  constructor(parts: OptRunsParts) {
    this.#parts = parts
    this.#passes = parts.passes
    this.#logitStaging = this.#staging(parts.activations.logits.size)
  }

  /** Other kernels over the same weights and caches; nothing may be under way. */
  usePasses(passes: OptPasses): void {
    this.#passes = passes
  }

  useRecordings(): void {
    // There are none.
  }

  /** Splits attention of every step, however short, or where it pays: to be tried before it is used. */
  splitAttention(where: 'everywhere' | 'long'): void {
    this.#splitFrom = where === 'long' ? SPLIT_FROM : 0
  }

  /**
   * Milliseconds of `product` in every layer, `times` over. What lay in the stream is lost, and a chain that is under way
   * goes on by its host's word.
   */
  timed(name: LayerProduct, product: StepProduct, times: number): Promise<number> {
    const once = this.#passes.inEveryLayer(name, product)
    const dispatches = Array.from({ length: times }, () => once).flat()
    const { queue } = this.#parts.device
    return this.#attempt(async () => {
      const began = performance.now()
      this.#submit({ dispatches, state: FIRST_POSITION })
      await queue.onSubmittedWorkDone()
      return performance.now() - began
    })
  }

  run(cache: RunCache, run: DecoderRun): Promise<Logits> {
    return this.#attempt(async () => {
      const { vocabulary } = this.#parts.shape
      const rows = rowsOf(run, this.#parts.shape)
      const [wanted] = run.logitRows
      if (run.batch === 1 && run.logitRows.length === 1 && wanted === rows.length - 1) {
        const last = this.#allButLast(cache, run.queries, rows)
        return this.#send(last, vocabulary)
      }
      if (run.batch > 1 && run.rows.length === 1 && rows.length <= MOST_LOGIT_ROWS)
        return this.#send(this.#stepOfRows(cache, rows), rows.length * vocabulary)
      return this.#allLogits(cache, run, rows)
    })
  }

  choose(cache: RunCache, run: DecoderRun): Promise<(Choice | null)[]> {
    const { shape } = this.#parts
    return this.#attempt(async () => {
      const rows = rowsOf(run, shape)
      if (run.batch === 1) return this.#choose(this.#allButLast(cache, run.queries, rows), 1)
      const work = this.#stepOfRows(cache, rows)
      const dispatches = [...work.dispatches, this.#passes.choosing(rows.length)]
      return this.#choose({ ...work, dispatches }, rows.length)
    })
  }

  top(cache: RunCache, run: DecoderRun, wanted: readonly TopWanted[]): Promise<(TopRow | null)[]> {
    const { shape, activations } = this.#parts
    return this.#attempt(async () => {
      const rows = rowsOf(run, shape)
      const known = wanted.map(({ count, besides }) => ({
        count,
        besides: besides.filter((id) => id < shape.vocabulary),
      }))
      const work =
        run.batch === 1 ? this.#allButLast(cache, run.queries, rows) : this.#stepOfRows(cache, rows)
      const words = await this.#readBack(
        {
          ...work,
          dispatches: [...work.dispatches, ...this.#passes.top(run.batch)],
          words: [...(work.words ?? []), [activations.topWanted, topWords(known)]],
        },
        { source: activations.topFound, bytes: foundBytes(known), staging: this.#topStaging },
      )
      return foundRows(words, known)
    })
  }

  async *greedy(cache: RunCache, run: DecoderRun, most: number): AsyncGenerator<Choice, void, undefined> {
    const { shape } = this.#parts
    const rows = rowsOf(run, shape)
    const [past = 0] = run.past
    const underWay: Promise<Choice>[] = []
    const send = (work: Work): void => {
      const choice = this.#choose(work, 1).then(([only]) => only ?? noChoice())
      // Whoever takes it hears of its failure.
      choice.catch(() => undefined)
      underWay.push(choice)
    }
    try {
      let owned = await this.#attempt(() => {
        send(this.#allButLast(cache, run.queries, rows))
        return Promise.resolve(this.#writes)
      })
      let last: Choice | null = null
      let state: RunState | null = null
      for (let sent = 1, taken = 0; taken < most; taken += 1) {
        if (this.#writes !== owned) {
          // Another sequence ran in between: the state is its own, and the chain is taken up where it was.
          const sofar = await this.#attempt(() => Promise.all(underWay), true)
          const [token] = sofar.slice(-1).map((choice) => choice.token)
          const source = { token: token ?? last?.token ?? 0 }
          const place = { source, position: past + rows.length + sent - 1, slot: 0 }
          state = { capacity: cache.capacity, logitRow: 0, rows: [place] }
        }
        for (; sent < most && sent < taken + DEPTH; sent += 1) {
          const length = past + rows.length + sent
          send({ dispatches: this.#passes.step(cache.past(), length > this.#splitFrom), state })
          state = null
          owned = this.#writes
        }
        const next = underWay.shift()
        if (next === undefined) return
        last = await this.#attempt(() => next, true)
        yield last
      }
    } finally {
      // What is under way still reads and writes: whoever comes next must not take its memory away.
      await Promise.allSettled(underWay)
    }
  }

  dispose(): Promise<void> {
    this.#parts.uploads.dispose()
    for (const buffer of [this.#logitStaging, ...this.#choiceStaging, ...this.#topStaging]) buffer.destroy()
    return Promise.resolve()
  }

  /** Work in the runtime's queue. */
  #attempt<T>(work: () => Promise<T>, running = false): Promise<T> {
    return tellingOfLoss(this.#parts, work, running)
  }

  /** Runs rows as far as they do not fit into the last run, and gets that one ready. */
  #allButLast(cache: RunCache, queries: DeviceTensor, rows: RowState[]): Work {
    const { activations } = this.#parts
    const { capacity } = cache
    const tensors = cache.past()
    let from = 0
    for (; rows.length - from > activations.rows; from += activations.rows) {
      const some = rows.slice(from, from + activations.rows)
      const dispatches = this.#passes.rows(tensors, gpuBufferOf(queries), some.length)
      this.#submit({ dispatches, state: { capacity, logitRow: 0, rows: some } })
    }
    const last = rows.slice(from)
    const state = { capacity, logitRow: last.length - 1, rows: last }
    const [only] = last
    if (last.length === 1 && only !== undefined && 'token' in only.source)
      return { dispatches: this.#passes.step(tensors, only.position + 1 > this.#splitFrom), state }
    const dispatches = this.#passes.rows(tensors, gpuBufferOf(queries), last.length)
    return { dispatches: [...dispatches, ...this.#passes.ending], state }
  }

  /** One token of each sequence, to their logits. */
  #stepOfRows(cache: RunCache, rows: readonly RowState[]): Work {
    const { activations } = this.#parts
    const { owners, capacity } = cache
    const dispatches = this.#passes.stepOfRows(cache.past(), rows.length, owners !== undefined)
    const state = { capacity, logitRow: 0, rows }
    if (owners === undefined) return { dispatches, state }
    const length = Math.max(...rows.map(({ position }) => position + 1))
    return { dispatches, state, words: [[activations.owners, ownersWords(owners, length)]] }
  }

  /** Logits of all wanted rows of a run, in its own order. */
  async #allLogits(cache: RunCache, run: DecoderRun, rows: RowState[]): Promise<Logits> {
    const { shape } = this.#parts
    const { vocabulary } = shape
    const all = new Float32Array(rows.length * vocabulary)
    for (let from = 0; from < rows.length; from += MOST_LOGIT_ROWS) {
      const some = rows.slice(from, from + MOST_LOGIT_ROWS)
      const dispatches = this.#passes.rows(cache.past(), gpuBufferOf(run.queries), some.length)
      const scoring = this.#passes.scoring(some.length)
      const work = {
        dispatches: [...dispatches, ...scoring],
        state: { capacity: cache.capacity, logitRow: 0, rows: some },
      }
      all.set(await this.#send(work, some.length * vocabulary), from * vocabulary)
    }
    const each = rows.length / run.batch
    const wanted = Array.from({ length: run.batch }, (_, b) =>
      run.logitRows.map((row) => b * each + row),
    ).flat()
    if (wanted.length === rows.length) return all
    const picked = new Float32Array(wanted.length * vocabulary)
    wanted.forEach((row, i) =>
      picked.set(all.subarray(row * vocabulary, (row + 1) * vocabulary), i * vocabulary),
    )
    return picked
  }

  /** State and dispatches in one, so that no other sequence's state comes between. */
  #submit({ dispatches, state, words = [] }: Work, copy?: (encoder: GPUCommandEncoder) => void): void {
    const { device, activations } = this.#parts
    if (state !== null) {
      this.#writes += 1
      device.queue.writeBuffer(activations.state, 0, stateWords(state))
    }
    for (const [buffer, values] of words) device.queue.writeBuffer(buffer, 0, values)
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    encode(pass, dispatches)
    pass.end()
    copy?.(encoder)
    device.queue.submit([encoder.finish()])
  }

  /** Sends dispatches and reads `count` logits back. */
  async #send(work: Work, count: number): Promise<Logits> {
    const staging = this.#logitStaging
    const source = this.#parts.activations.logits
    this.#submit(work, (encoder) => encoder.copyBufferToBuffer(source, 0, staging, 0, 4 * count))
    await staging.mapAsync(GPUMapMode.READ, 0, 4 * count)
    const values = new Float32Array(staging.getMappedRange(0, 4 * count)).slice()
    staging.unmap()
    return values
  }

  /** Sends a step whose choices, of `count` rows, come back later; null where a score is no number. */
  async #choose(work: Work, count: number): Promise<(Choice | null)[]> {
    const words = await this.#readBack(work, {
      source: this.#parts.activations.choices,
      bytes: count * CHOICE_BYTES,
      staging: this.#choiceStaging,
    })
    return Array.from({ length: count }, (_, i) => {
      const place = (i * CHOICE_BYTES) / 4
      return choiceOf(words.slice(place, place + CHOICE_BYTES / 4))
    })
  }

  /** Sends work and reads some of what it leaves back. */
  async #readBack(
    work: Work,
    { source, bytes, staging }: { source: GPUBuffer; bytes: number; staging: Staging },
  ): Promise<Uint32Array<ArrayBuffer>> {
    const buffer = staging.pop() ?? this.#staging(source.size)
    this.#submit(work, (encoder) => encoder.copyBufferToBuffer(source, 0, buffer, 0, bytes))
    await buffer.mapAsync(GPUMapMode.READ, 0, bytes)
    const words = new Uint32Array(buffer.getMappedRange(0, bytes).slice(0))
    buffer.unmap()
    staging.push(buffer)
    return words
  }

  #staging(size: number): GPUBuffer {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
    return createOwnBuffer(this.#parts.device, { size, usage })
  }
}

function noChoice(): never {
  throw noNumbers()
}

/** The rows of a run one after the other, sequence by sequence. */
function rowsOf({ rows, tokens, batch, past }: DecoderRun, { queries }: DecoderShape): RowState[] {
  const each = tokens.length / batch
  return Array.from({ length: batch }, (_, slot) =>
    rows.map((row, i): RowState => {
      const source = row < queries ? { query: row } : { token: tokens[slot * each + row - queries] ?? 0 }
      return { source, position: (past[slot] ?? 0) + i, slot }
    }),
  ).flat()
}
