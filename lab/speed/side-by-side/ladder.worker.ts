/** One rung of the ladder (lab/speed/side-by-side/ladder.ts), measured in a worker of its own. */
import { startGpuProbe } from '../../../src/bench/gpu-probe.ts'
import { decoder as treaty, POSITION_OFFSET } from '../../../src/pack/parts.ts'
import type { DecoderShape } from '../../../src/pack/shapes.ts'
import { CacheMemory } from '../../../src/runtime/language/cache-memory.ts'
import { cacheLayout, type KvCache } from '../../../src/runtime/language/kv-cache.ts'
import { openCache } from '../../../src/runtime/language/open-cache.ts'
import { DecoderOnly } from '../../../src/runtime/language/decoder-only.ts'
import { OneTokenStep } from '../../../src/runtime/language/one-token-step.ts'
import { Runtime } from '../../../src/runtime/ort/runtime.ts'
import type { Session } from '../../../src/runtime/ort/session.ts'
import type { DeviceTensor } from '../../../src/runtime/ort/tensor.ts'
import { answerRequest, largest, mark, medians, promptOf, type Mark } from './answer.ts'
import { gpu, openDecoderFiles } from './decoder-files.ts'
import { RUNGS, type LadderRequest, type LadderResult, type Rung, type RungResult } from './ladder.ts'

type Cache = Pick<KvCache, 'past' | 'into' | 'keep' | 'dispose'>
type Tensors = Record<string, DeviceTensor>

/** Begins a sequence, afresh each time; it is given logits of the last of `tokens`, which go behind `past` positions. */
type Run = (tokens: readonly number[], past: number) => Promise<Float32Array>
interface Sequence {
  run: Run
  dispose: () => void
}
type Begin = () => Sequence | Promise<Sequence>

/** All rungs are loaded on one device, so that shaders they have in common are built once; then they take turns. */
async function measure({
  base,
  tokens,
  rounds,
  promptTokens,
  vocabulary,
  exporterWeights,
}: LadderRequest): Promise<LadderResult> {
  const probe = startGpuProbe()
  const runtime = await Runtime.open(await gpu())
  const { shape, graph, weights } = await openDecoderFiles(base)
  const file = await fetch(`${base}exporter/onnx/model_q4.onnx`)
  const exporter = {
    graph: new Uint8Array(await file.arrayBuffer()),
    weights: { path: exporterWeights, data: weights.data },
  }
  const own = { graph, weights }
  const begins: Record<Rung, Begin> = {
    exporter: await exporterSequences(runtime, shape, exporter),
    fused: await ourSequences(runtime, shape, { ...own, rung: 'fused' }),
    static: await ourSequences(runtime, shape, { ...own, rung: 'static' }),
    recorded: await ourSequences(runtime, shape, { ...own, rung: 'recorded' }),
  }
  const answer = async (
    begin: Begin,
    count: number,
  ): Promise<Omit<RungResult, 'steps'> & { marks: Mark[] }> => {
    const marks = [mark(probe.counts)]
    const ids: number[] = []
    const rows: Float32Array[] = []
    let next = promptOf(promptTokens, vocabulary)
    let past = 0
    const sequence = await begin()
    while (ids.length < count) {
      const logits = await sequence.run(next, past)
      past += next.length
      const id = largest(logits)
      marks.push(mark(probe.counts))
      ids.push(id)
      rows.push(logits.slice())
      next = [id]
    }
    sequence.dispose()
    return { marks, ids, logits: rows.flatMap((row) => Array.from(row)) }
  }
  const nothing = (): RungResult => ({ steps: [], ids: [], logits: [] })
  const results: LadderResult = {
    exporter: nothing(),
    fused: nothing(),
    static: nothing(),
    recorded: nothing(),
  }
  // The first step builds shaders, the second is recorded.
  for (const rung of RUNGS) await answer(begins[rung], 3)
  for (let round = 0; round < rounds; round += 1) {
    for (const rung of RUNGS) {
      const { marks, ids, logits } = await answer(begins[rung], tokens + 2)
      const steps = [...results[rung].steps, medians(marks.slice(-tokens - 1))]
      results[rung] = { steps, ids, logits }
    }
  }
  probe.stop()
  return results
}

interface Files {
  graph: Uint8Array<ArrayBuffer>
  weights: { path: string; data: Blob | Uint8Array<ArrayBuffer> }
}

async function exporterSequences(runtime: Runtime, shape: DecoderShape, files: Files): Promise<Begin> {
  const parts = Array.from({ length: shape.layers }, (_, i) => [`${i}.key`, `${i}.value`]).flat()
  const presents = parts.map((part) => `present.${part}`)
  const session = await runtime.session({ ...files, keepOnDevice: presents })
  const { heads, hiddenSize } = shape
  const pasts = parts.map((part) => `past_key_values.${part}`)
  return () => {
    const cache = new GrowingCache(runtime, pasts, presents, [1, heads, 0, hiddenSize / heads])
    const run: Run = async (tokens, past) => {
      const total = past + tokens.length
      const own = {
        input_ids: runtime.int64(tokens, [1, tokens.length]),
        attention_mask: runtime.int64(Array<number>(total).fill(1), [1, total]),
        position_ids: runtime.int64(range(past, total), [1, tokens.length]),
      }
      return lastRow(await runOver(session, own, cache), shape.vocabulary)
    }
    return { run, dispose: () => cache.dispose() }
  }
}

async function ourSequences(
  runtime: Runtime,
  shape: DecoderShape,
  { rung, ...files }: Files & { rung: Exclude<Rung, 'exporter'> },
): Promise<Begin> {
  const presents = DecoderOnly.deviceOutputs(shape)
  const recordable = rung === 'recorded'
  const session = await runtime.session({ ...files, keepOnDevice: presents, recordable })
  const { heads, cacheHeadSize, vocabulary, hiddenSize } = shape
  const { queries } = shape
  const memory = new CacheMemory(runtime, cacheLayout(shape, 'float32'))
  const pasts = presents.map((name) => name.replace('present', 'past'))
  // Given, as the graph wants it, and never read: the exporter's graph knows tokens only.
  const picture = runtime.tensor('float32', new Float32Array(queries * hiddenSize), [1, queries, hiddenSize])
  const step = recordable ? new OneTokenStep(runtime, session, shape) : null
  const { input } = treaty
  return async () => {
    const fixed = rung === 'fused' ? null : await openCache(memory, FIXED_POSITIONS)
    const cache = fixed ?? new GrowingCache(runtime, pasts, presents, [1, heads, 0, cacheHeadSize])
    const run: Run = async (tokens, past) => {
      const [token] = tokens
      if (step !== null && fixed !== null && tokens.length === 1 && token !== undefined)
        return step.run(fixed, token, past)
      const total = past + tokens.length
      const own = {
        [input.tokens]: runtime.int64(tokens, [1, tokens.length]),
        [input.rows]: runtime.int64(range(queries, queries + tokens.length)),
        [input.positions]: runtime.int64(range(past + POSITION_OFFSET, total + POSITION_OFFSET), [
          1,
          tokens.length,
        ]),
        [input.logitRows]: runtime.int64([tokens.length - 1]),
        [input.lastPosition]: runtime.int32([total - 1], session.records),
        [input.totalLength]: runtime.int32([total], session.records),
      }
      return lastRow(await runOver(session, own, cache, { [input.queries]: picture }), vocabulary)
    }
    return { run, dispose: () => cache.dispose() }
  }
}

/** Positions of the buffers that stay: the smallest that the engine takes. */
const FIXED_POSITIONS = 128

/** Runs over the cache and lets go of `own`. Returns the logits. */
async function runOver(
  session: Session,
  own: Tensors,
  cache: Cache,
  others: Tensors = {},
): Promise<Float32Array> {
  const results = await session.run({ ...own, ...others, ...cache.past() }, cache.into())
  const { [treaty.output.logits]: logits, ...present } = results
  cache.keep(present)
  for (const tensor of Object.values(own)) tensor.dispose()
  if (logits === undefined) throw new Error('There are no logits.')
  const values = await logits.read()
  logits.dispose()
  return values
}

/** Keys and values that every run makes anew, as generation loops over exported graphs keep them. */
class GrowingCache implements Cache {
  readonly #presents: readonly string[]
  readonly #pasts: readonly string[]
  #tensors: Tensors

  constructor(runtime: Runtime, pasts: string[], presents: string[], empty: number[]) {
    this.#pasts = pasts
    this.#presents = presents
    this.#tensors = Object.fromEntries(
      pasts.map((name) => [name, runtime.tensor('float32', new Float32Array(0), empty)]),
    )
  }

  past(): Tensors {
    return this.#tensors
  }

  into(): Tensors {
    return {}
  }

  keep(present: Tensors): void {
    this.dispose()
    this.#tensors = Object.fromEntries(
      this.#pasts.flatMap((past, i) => {
        const tensor = present[this.#presents[i] ?? '']
        return tensor === undefined ? [] : [[past, tensor]]
      }),
    )
  }

  dispose(): void {
    for (const tensor of Object.values(this.#tensors)) tensor.dispose()
  }
}

function lastRow(logits: Float32Array, vocabulary: number): Float32Array {
  return logits.subarray(-vocabulary)
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i)
}

answerRequest(measure)
