/** What the workers of the comparison have in common: how they are asked, and what they answer. */
import { startGpuProbe, type GpuProbe } from '../../../src/bench/gpu-probe.ts'

export interface DecoderRequest {
  /** Where the files lie, with a slash at its end. */
  base: string
  /** Under which ours is kept in IndexedDB; null: it comes from `base`. */
  kept: string | null
  /** Theirs keeps files in the browser's caches, and reads them there. */
  cached: boolean
  /** Steps that count in each round. */
  tokens: number
  rounds: number
  /** Lengths of the prompts, in positions; decoding goes on behind the first. */
  positions: number[]
  vocabulary: number
  /** Ours on kernels of our own, instead of ONNX Runtime. */
  ownKernels: boolean
  /** Nothing is run behind loading. */
  loadOnly: boolean
}

/** Milliseconds, but for counts and bytes. */
export interface DecoderResult {
  loadMs: number
  gpuBytesLoading: number
  /** From the begin of loading to the second token of a first answer: every pipeline is built by then, by both. */
  secondTokenMs?: number
  rounds: DecoderRound[]
  /** Behind the first prompt. */
  ids: number[]
}

export interface DecoderRound {
  prefill: { positions: number; ms: number }[]
  decode: Step
}

/** An answer of some tokens: marks of its begin and behind each token. */
export interface Answered {
  marks: Mark[]
  ids: number[]
}

/** Measures answers once loaded; `pause` comes before the first and before each round, so that sides take turns. */
async function answers(
  { tokens, rounds, positions }: DecoderRequest,
  sinceLoading: () => number,
  generate: Generate,
  pause: (at: string) => Promise<void>,
): Promise<Pick<DecoderResult, 'secondTokenMs' | 'rounds' | 'ids'>> {
  const prefillMs = ([begin, first]: Mark[]): number => (first?.at ?? NaN) - (begin?.at ?? NaN)
  const [first = 0, ...others] = positions
  await generate(first, 2)
  const secondTokenMs = sinceLoading()
  // What the first time builds or records for its length.
  await generate(first, 3)
  for (const length of others) await generate(length, 1)
  const measured: DecoderRound[] = []
  let ids: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    await pause('round')
    const answered = await generate(first, tokens + 2)
    const prefill = [{ positions: first, ms: prefillMs(answered.marks) }]
    for (const length of others)
      prefill.push({ positions: length, ms: prefillMs((await generate(length, 1)).marks) })
    ids = answered.ids
    measured.push({ prefill, decode: medians(answered.marks.slice(-tokens - 1)) })
  }
  return { secondTokenMs, rounds: measured, ids }
}

/** Generates `count` tokens behind a prompt of `length` positions. */
export type Generate = (length: number, count: number) => Promise<Answered>

/**
 * Loads a decoder with `open` and measures it, as both sides are measured. The time in which the page looks at memory
 * does not count.
 */
export async function measureDecoder(
  request: DecoderRequest,
  pause: (at: string) => Promise<void>,
  open: (counts: GpuProbe['counts']) => Promise<Generate>,
): Promise<DecoderResult> {
  const probe = startGpuProbe()
  const started = performance.now()
  const generate = await open(probe.counts)
  const loadMs = performance.now() - started
  const gpuBytesLoading = probe.counts.peakBytes
  await pause('loaded')
  if (request.loadOnly) return { loadMs, gpuBytesLoading, rounds: [], ids: [] }
  const pausedMs = performance.now() - started - loadMs
  const sinceLoading = (): number => performance.now() - started - pausedMs
  const result = await answers(request, sinceLoading, generate, pause)
  probe.stop()
  return { loadMs, gpuBytesLoading, ...result }
}

export interface Step {
  ms: number
  /** The processor's part: from token to token without the waiting for the GPU. */
  hostMs: number
  dispatches: number
  /** Bytes of GPU buffers made in it. */
  madeBytes: number
}

/** What a step is told from: taken behind each token. */
export interface Mark {
  at: number
  waitedMs: number
  dispatches: number
  madeBytes: number
}

export function mark(counts: Omit<Mark, 'at'>): Mark {
  const { waitedMs, dispatches, madeBytes } = counts
  return { at: performance.now(), waitedMs, dispatches, madeBytes }
}

/** Of each figure the median over the steps between marks. */
export function medians(marks: readonly Mark[]): Step {
  const steps = marks.slice(1).map((now, i): Step => {
    const before = marks[i] ?? now
    return {
      ms: now.at - before.at,
      hostMs: now.at - before.at - (now.waitedMs - before.waitedMs),
      dispatches: now.dispatches - before.dispatches,
      madeBytes: now.madeBytes - before.madeBytes,
    }
  })
  const of = (name: keyof Step): number => median(steps.map((step) => step[name]))
  return { ms: of('ms'), hostMs: of('hostMs'), dispatches: of('dispatches'), madeBytes: of('madeBytes') }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

/** The same made-up prompt for everybody. */
export function promptOf(length: number, vocabulary: number): number[] {
  return Array.from({ length }, (_, i) => (i === 0 ? 2 : (i * 37) % vocabulary))
}

export function largest(logits: Float32Array): number {
  return logits.reduce((best, value, i) => (value > (logits[best] ?? NaN) ? i : best), 0)
}

/**
 * Answers the one request that this worker gets. `pause` holds it at a point until the page says to go on, so that
 * memory can be looked at there.
 */
export function answerRequest(
  work: (request: never, pause: (at: string) => Promise<void>) => Promise<object>,
): void {
  let goOn: (() => void) | null = null
  const pause = (at: string): Promise<void> =>
    new Promise((resolve) => {
      goOn = resolve
      self.postMessage({ at })
    })
  self.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data === 'go on') {
      goOn?.()
      return
    }
    // The page says what the worker that it starts is asked.
    work(data as never, pause).then(
      (result) => self.postMessage({ result }),
      (error: unknown) => self.postMessage({ error: String(error instanceof Error ? error.stack : error) }),
    )
  })
}
