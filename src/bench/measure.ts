/**
 * Measures one model on one device: what `npm run bench`, the page's button and the run on a real GPU have in common.
 * Runs wherever the engine does.
 */
import type { Pixels } from '../image/pixels.ts'
import { GREEDY } from '../pack/decoding.ts'
import type { KernelChoice } from '../pack/device-report.ts'
import { throwIfCancelled } from '../pack/failure.ts'
import type { BenchResult, DecodeResult, KernelProfile } from '../protocol/bench-result.ts'
import { vocabularyOf, type PartName } from '../pack/families.ts'
import { weightBytes, type PackManifest, type PackReader } from '../pack/manifest.ts'
import type { Sequence } from '../runtime/language/language-model.ts'
import { openTalkingModel } from '../runtime/models/models.ts'
import type { Judgements } from '../runtime/models/open-parts.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import { generate } from '../runtime/decode/generate.ts'
import type { Compute } from '../runtime/device/compute.ts'
import { copyBandwidth } from './bandwidth.ts'
import { startGpuProbe, type GpuProbe } from './gpu-probe.ts'
import { startKernelTimer, type KernelTimer } from './kernel-times.ts'

export interface MeasureOptions {
  /** Tokens decoded for each figure. */
  tokens: number
  /** Tokens of the prompt; the image's queries come on top. */
  promptTokens: number
  /** See `LoadOptions.warmUp`. */
  warmUp?: boolean | undefined
  /** See `OpenOptions`. */
  kernels?: KernelChoice | undefined
  judgements?: Judgements | undefined
  /** Told before each part. */
  onStage?: (stage: string) => void
  /** Given what is known so far behind each part. */
  onPart?: (soFar: Partial<BenchResult>) => void
  signal?: AbortSignal | undefined
  /** Given the model behind the first picture, for whatever else there is to look at. */
  onLoaded?: (model: TalkingModel) => Promise<void>
}

/** Loads the pack, measures it and lets go of it. Throws what loading throws. */
export async function measure(
  pack: PackReader,
  compute: Compute,
  options: MeasureOptions,
): Promise<BenchResult> {
  const { manifest } = pack
  const probe = startGpuProbe()
  let model: TalkingModel | null = null
  let timer: KernelTimer | null = null
  try {
    const parts: Partial<BenchResult> = { model: modelFacts(manifest) }
    const stage = (name: string): void => {
      throwIfCancelled(options.signal)
      options.onPart?.(parts)
      options.onStage?.(name)
    }
    stage('bandwidth')
    const copyBytesPerSecond =
      compute.device === null ? null : await copyBandwidth(compute.device, compute.software)
    // Before there are pipelines, which it names.
    timer = compute.device && startKernelTimer(compute.device, copyBytesPerSecond)
    probe.resetPeak()
    stage('load')
    // What a device is asked for before the first part, to see whether it has it, is no part of the load.
    const loaded = await timedLoad(pack, compute, { ...options, onBegun: () => probe.resetPeak() })
    model = loaded.model
    parts.load = loaded.load
    const { provider, adapter, f16, software } = compute
    const { ownKernels } = model.talk
    const { ownKernels: visionKernels, times: visionTimes } = model.look.kernels
    const own = { ownKernels, visionKernels, visionTimes }
    const gpuBytesLoading = probe.counts.peakBytes
    probe.resetPeak()
    stage('first picture')
    const run = new Runs(model, probe, options)
    const cold = await run.firstToken()
    await options.onLoaded?.(model)
    stage('picture')
    const warm = await run.firstToken()
    parts.encode = warm.encode
    parts.firstToken = { cold: cold.ms, warm: warm.ms }
    parts.warmUp = cold.ms - warm.ms
    parts.prefill = {
      positions: warm.positions,
      ms: warm.prefill,
      positionsPerSecond: (1000 * warm.positions) / warm.prefill,
    }
    stage('follow-up')
    parts.followUp = await run.followUp()
    stage('decode')
    const first = await run.decode()
    // Whether steps can be recorded is found out with the first of them.
    const recordsSteps = model.talk.recordsSteps === true
    parts.device = { provider, adapter, f16, software, recordsSteps, ...own, copyBytesPerSecond }
    const recorded = recordsSteps ? first : null
    model.talk.useRecordings(false)
    if (recorded !== null) stage('decode without recording')
    const plain = recorded === null ? first : await run.decode()
    parts.decode = { recorded, plain }
    parts.limit = limitOf(manifest, copyBytesPerSecond, recorded ?? plain)
    parts.memory = { gpuBytesLoading, gpuBytesRunning: probe.counts.peakBytes }
    if (timer !== null) stage('kernels')
    model.talk.useRecordings(recordsSteps)
    parts.kernels = timer && (await run.kernels(timer))
    options.onPart?.(parts)
    return parts as BenchResult
  } finally {
    timer?.stop()
    probe.stop()
    await model?.dispose()
  }
}

function modelFacts(manifest: PackManifest): BenchResult['model'] {
  const { name, precision, files } = manifest
  const packBytes = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const decoder = manifest.family === 'blip2-t5' ? 'text-decoder' : 'decoder'
  return { name, precision, packBytes, decoderBytes: weightBytes(manifest, decoder) }
}

async function timedLoad(
  pack: PackReader,
  compute: Compute,
  {
    signal,
    warmUp,
    kernels,
    judgements,
    onBegun,
  }: Pick<MeasureOptions, 'signal' | 'warmUp' | 'kernels' | 'judgements'> & { onBegun: () => void },
): Promise<{ model: TalkingModel; load: BenchResult['load'] }> {
  const parts: Partial<Record<PartName | 'warm-up', number>> = {}
  let part: { name: keyof typeof parts; since: number } | null = null
  const next = (name: keyof typeof parts | null): void => {
    const now = performance.now()
    if (part !== null) parts[part.name] = (parts[part.name] ?? 0) + now - part.since
    part = name === null ? null : { name, since: now }
  }
  // Files are asked for while others are under way: what counts is the time during which there were any.
  const files = { ms: 0, bytes: 0, underWay: 0, since: 0 }
  const timed: PackReader = {
    manifest: pack.manifest,
    file: async (path, fileSignal) => {
      if (files.underWay === 0) files.since = performance.now()
      files.underWay += 1
      try {
        const file = await pack.file(path, fileSignal)
        files.bytes += file instanceof Blob ? file.size : file.byteLength
        return file
      } finally {
        files.underWay -= 1
        if (files.underWay === 0) files.ms += performance.now() - files.since
      }
    },
  }
  const started = performance.now()
  const model = await openTalkingModel(timed, compute, {
    signal,
    warmUp,
    kernels,
    judgements,
    onProgress: (_, done) => {
      if (done === 0) onBegun()
      next(null)
    },
    onPart: (begun) => next(begun === 'warm-up' ? begun : begun.creating),
  })
  next(null)
  const { 'warm-up': warmUpMs = 0, ...sessions } = parts
  const { ms, bytes } = files
  const total = performance.now() - started
  const load = { files: ms, bytes, bytesPerSecond: (1000 * bytes) / ms, sessions, warmUp: warmUpMs, total }
  return { model, load }
}

/** Of a short question: `Question: what colour is it? Answer:` has nine of OPT's. */
const QUESTION_TOKENS = 10

/** Before the tokens that count, and behind them. */
const FIRST_TOKENS = 3
const LAST_TOKENS = 3

interface FirstToken {
  encode: BenchResult['encode']
  prefill: number
  positions: number
  ms: number
}

class Runs {
  readonly #model: TalkingModel
  readonly #probe: GpuProbe
  readonly #options: MeasureOptions

  constructor(model: TalkingModel, probe: GpuProbe, options: MeasureOptions) {
    this.#model = model
    this.#probe = probe
    this.#options = options
  }

  async firstToken(): Promise<FirstToken> {
    const started = performance.now()
    const { embeddings, ms } = await this.#model.look.see(this.#pixels(), { untilDone: true })
    const seen = performance.now()
    const decoding = this.#model.talk.start({ embeddings })
    try {
      for await (const { prefilled } of this.#generate(decoding, 1)) {
        const ended = performance.now()
        return { encode: ms, prefill: ended - seen, positions: prefilled, ms: ended - started }
      }
      throw new Error('Nothing was generated.')
    } finally {
      decoding.dispose()
    }
  }

  /** A second question behind a first and its answer, of which only itself has to be read. Once for shaders, once to count. */
  async followUp(): Promise<BenchResult['followUp']> {
    const { embeddings } = await this.#model.look.see(this.#pixels(), { untilDone: true })
    const decoding = this.#model.talk.start({ embeddings })
    let measured = { positions: 0, ms: NaN }
    try {
      for (let turn = 1; turn <= 3; turn += 1) {
        const asked = performance.now()
        for await (const { prefilled } of this.#generate(decoding, 1, turn * QUESTION_TOKENS)) {
          measured = { positions: prefilled, ms: performance.now() - asked }
          break
        }
      }
    } finally {
      decoding.dispose()
    }
    return measured
  }

  /**
   * Steps of one token, each greedily after the one before. The first ones, which may be recordings, do not count, nor do
   * the last: where several are under way nothing more is sent for them.
   */
  async decode(): Promise<DecodeResult> {
    const { counts } = this.#probe
    const { tokens } = this.#options
    const { embeddings } = await this.#model.look.see(this.#pixels())
    const decoding = this.#model.talk.start({ embeddings })
    const steps: Omit<DecodeResult, 'tokens' | 'tokensPerSecond'>[] = []
    try {
      let before = { ...counts, at: performance.now() }
      for await (const { prefilled } of this.#generate(decoding, FIRST_TOKENS + tokens + LAST_TOKENS)) {
        if (!(prefilled > 0)) throw new Error('Nothing was run.')
        const at = performance.now()
        steps.push({
          ms: at - before.at,
          hostMs: at - before.at - (counts.waitedMs - before.waitedMs),
          dispatches: counts.dispatches - before.dispatches,
          submits: counts.submits - before.submits,
          bytesRead: counts.bytesRead - before.bytesRead,
        })
        before = { ...counts, at: performance.now() }
      }
    } finally {
      decoding.dispose()
    }
    const counted = steps.slice(FIRST_TOKENS, FIRST_TOKENS + tokens)
    const seconds = counted.reduce((sum, { ms }) => sum + ms, 0) / 1000
    return {
      tokens: counted.length,
      tokensPerSecond: counted.length / seconds,
      ms: median(counted.map(({ ms }) => ms)),
      hostMs: median(counted.map(({ hostMs }) => hostMs)),
      dispatches: median(counted.map(({ dispatches }) => dispatches)),
      submits: median(counted.map(({ submits }) => submits)),
      bytesRead: median(counted.map(({ bytesRead }) => bytesRead)),
    }
  }

  /** Of a look, of a prompt, and of the tokens behind it: by then the prompt is in the cache, but for its last token. */
  async kernels(timer: KernelTimer): Promise<KernelProfile> {
    const { tokens } = this.#options
    const look = await timer.during(async () => {
      const { embeddings } = await this.#model.look.see(this.#pixels(), { untilDone: true })
      embeddings.dispose()
    })
    const { embeddings } = await this.#model.look.see(this.#pixels(), { untilDone: true })
    const decoding = this.#model.talk.start({ embeddings })
    const answer = async (count: number): Promise<void> => {
      for await (const { prefilled } of this.#generate(decoding, count))
        if (!(prefilled > 0)) throw new Error('Nothing was run.')
    }
    try {
      const prefill = await timer.during(() => answer(1))
      return { look, prefill, decode: { tokens, kernels: await timer.during(() => answer(tokens)) } }
    } finally {
      decoding.dispose()
    }
  }

  /** `further` tokens behind the usual prompt. */
  #generate(decoding: Sequence, maxNewTokens: number, further = 0): ReturnType<typeof generate> {
    const { promptTokens, signal } = this.#options
    const vocabulary = vocabularyOf(this.#model.manifest)
    const prompt = Array.from({ length: promptTokens + further }, (_, i) => (i * 37) % vocabulary)
    // No ending: every answer has its full length.
    const settings = { ...GREEDY, maxNewTokens }
    return generate(decoding, prompt, settings, { countedIds: prompt, eosIds: [], signal })
  }

  #pixels(): Pixels {
    const size = this.#model.manifest.parts.vision.shape.imageSize
    const data = Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i / 97))
    return { data, size, brand: 'pixels' }
  }
}

/** A step reads all of the decoder but its position table, and of the table of tokens, being the head too, all rows. */
function limitOf(
  manifest: PackManifest,
  copyBytesPerSecond: number | null,
  decode: DecodeResult,
): BenchResult['limit'] {
  // What a step of another family reads depends on more than its manifest says.
  if (copyBytesPerSecond === null || manifest.family !== 'blip2-opt') return null
  const { positions, hiddenSize } = manifest.parts.decoder.shape
  const floatBytes = /f(p)?16$/.test(manifest.precision) ? 2 : 4
  const weightBytesPerToken = weightBytes(manifest, 'decoder') - (positions + 2) * hiddenSize * floatBytes
  const tokensPerSecond = copyBytesPerSecond / weightBytesPerToken
  return { weightBytesPerToken, tokensPerSecond, reached: decode.tokensPerSecond / tokensPerSecond }
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}
