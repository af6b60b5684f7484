/** The engine's thread: the model, its GPU device and ONNX Runtime live here, away from the page. */
import type { DeviceReport, MemoryChoice, MemoryReport } from '../pack/device-report.ts'
import { withImage } from '../image/decode.ts'
import { looksPhotographed } from '../image/drawn-or-photographed.ts'
import { rowsOf } from '../image/pixels.ts'
import { normalise } from '../image/preprocess.ts'
import { resizeBicubic } from '../image/resize.ts'
import { AppError, throwIfCancelled, toFailure, type Failure } from '../pack/failure.ts'
import { weightBytes, type PackManifest } from '../pack/manifest.ts'
import type {
  Answered,
  AnswerProgress,
  AnswerRequest,
  EngineCalls,
  LoadedModel,
  LoadProgress,
  Looked,
  LookProgress,
} from '../protocol/engine-calls.ts'
import { serve } from '../protocol/rpc.ts'
import { Blip2 } from '../runtime/models/blip2.ts'
import type { AnswerSoFar, Discussion } from '../runtime/talk/discussion.ts'
import { lossOf } from '../runtime/device/loss.ts'
import { openCompute, type Compute } from '../runtime/device/compute.ts'
import { decideMemory } from '../runtime/device/memory-policy.ts'
import { buildFor } from '../runtime/ort/build.ts'
import { openPack } from './open-pack.ts'

let model: Blip2 | null = null
let compute: Compute | null = null
/** Settles when nothing uses the model any more: only then may another take its place. */
let idle: Promise<unknown> = Promise.resolve()

/** Has `work` waited for by whoever unloads the model. */
function using<A extends unknown[], R>(work: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return (...args) => {
    const result = work(...args)
    idle = Promise.allSettled([idle, result])
    return result
  }
}

async function load(
  input: EngineCalls['load']['in'],
  report: (event: LoadProgress) => void,
  signal: AbortSignal,
): Promise<LoadedModel> {
  const started = performance.now()
  await unload()
  compute = await openCompute(input.prefer)
  let doneBytes = 0
  let totalBytes = 0
  const pack = await openPack(input.pack, {
    signal,
    onBytes: (bytes) => {
      doneBytes += bytes
      report({ stage: 'fetching', doneBytes, totalBytes: Math.max(totalBytes, doneBytes) })
    },
  })
  totalBytes = pack.manifest.files
    .filter((file) => !file.path.endsWith('.onnx'))
    .reduce((sum, file) => sum + file.bytes, 0)
  report({ stage: 'fetching', doneBytes, totalBytes })
  const memory = memoryFor(input.memory, compute, pack.manifest)
  model = await Blip2.load(pack, compute, {
    signal,
    keepsAll: memory.keepsAll,
    onProgress: (graph, done, total) => report({ stage: 'preparing', graph, done, total }),
  })
  return {
    device: describe(compute, model, memory),
    manifest: pack.manifest,
    loadMs: performance.now() - started,
  }
}

async function changeMemory({ memory }: EngineCalls['changeMemory']['in']): Promise<MemoryReport> {
  const loaded = loadedModel()
  if (compute === null) throw new AppError('bug', 'A model is loaded nowhere.')
  const decision = memoryFor(memory, compute, loaded.manifest)
  await loaded.keepLookLoaded(decision.keepsAll)
  return decision
}

function memoryFor(
  choice: MemoryChoice,
  { provider, software }: Compute,
  manifest: PackManifest,
): MemoryReport {
  // Only Chromium's browsers know it.
  const { deviceMemory } = navigator as WorkerNavigator & { deviceMemory?: number }
  return decideMemory({ choice, weightBytes: weightBytes(manifest), deviceMemory, provider, software })
}

async function look(
  { pictureId, image }: EngineCalls['look']['in'],
  report: (event: LookProgress) => void,
  signal: AbortSignal,
): Promise<Looked> {
  const loaded = loadedModel()
  const started = performance.now()
  report({ stage: 'reading' })
  const { preprocessing } = loaded.manifest
  const { size } = preprocessing
  const { rgb, width, height } = await withImage(image, (rows) => ({
    rgb: resizeBicubic(rows, size),
    width: rows.width,
    height: rows.height,
  }))
  const pixels = normalise(rgb, preprocessing)
  // The small picture tells as much as the large one, which would have to be read a second time.
  const photograph = looksPhotographed(rowsOf(size, size, rgb))
  const read = performance.now()
  throwIfCancelled(signal)
  report({ stage: 'looking', width, height })
  const seen = await loaded.see(pixels, {
    signal,
    onOpening: (graph) => report({ stage: 'opening', graph }),
    onOpened: () => report({ stage: 'looking', width, height }),
  })
  try {
    // Read back once, to be kept: no later turn, nor a reload, has to look again.
    const embeddings = await seen.embeddings.read()
    keepDiscussion(pictureId, loaded.discuss(seen))
    return { embeddings, width, height, photograph, readMs: read - started, lookMs: performance.now() - read }
  } catch (error) {
    seen.embeddings.dispose()
    throw error
  }
}

async function answer(
  { pictureId, embeddings, asked, settings }: AnswerRequest,
  report: (event: AnswerProgress) => void,
  signal: AbortSignal,
): Promise<Answered> {
  const loaded = loadedModel()
  const discussion = discussions.get(pictureId) ?? loaded.discuss(loaded.seenBefore(embeddings))
  keepDiscussion(pictureId, discussion)
  const started = performance.now()
  let firstAt = started
  let last: AnswerSoFar | null = null
  const steps =
    asked.kind === 'caption'
      ? discussion.answer(asked.prompt, { settings, signal })
      : discussion.ask(asked.earlier, asked.question, { settings, signal, template: asked.template })
  try {
    for await (const soFar of steps) {
      if (last === null) firstAt = performance.now()
      last = soFar
      report({ text: soFar.text, tokens: soFar.tokenIds.length })
    }
  } catch (error) {
    // Stopping keeps what was written.
    if (!(error instanceof AppError && error.code === 'cancelled')) throw error
  }
  return {
    text: last?.text ?? '',
    tokenIds: last?.tokenIds ?? [],
    answers: last?.answers.map(({ text, tokenIds, score }) => ({ text, tokenIds, score })) ?? [],
    finish: last?.finish ?? 'stopped',
    prefilled: last?.prefilled ?? 0,
    dropped: last?.dropped ?? 0,
    prefillMs: firstAt - started,
    decodeMs: performance.now() - firstAt,
  }
}

/** KV caches are large, so only the pictures talked about last keep theirs; the others' are run again when needed. */
const MOST_DISCUSSIONS = 2
const discussions = new Map<string, Discussion>()

/** Makes this discussion the most recent one and lets go of the oldest beyond the limit. */
function keepDiscussion(pictureId: string, discussion: Discussion): void {
  const before = discussions.get(pictureId)
  if (before !== undefined && before !== discussion) before.dispose()
  discussions.delete(pictureId)
  discussions.set(pictureId, discussion)
  for (const [oldest, old] of discussions) {
    if (discussions.size <= MOST_DISCUSSIONS) break
    discussions.delete(oldest)
    old.dispose()
  }
}

function loadedModel(): Blip2 {
  if (model === null) throw new AppError('bug', 'No model is loaded.')
  return model
}

async function untilLost(): Promise<Failure> {
  const device = compute?.device
  // On the processor there is nothing to lose.
  if (device === null || device === undefined) return new Promise(() => undefined)
  return toFailure(await lossOf(device).catch((error: unknown) => error))
}

async function unload(): Promise<null> {
  await idle
  const [oldModel, oldCompute] = [model, compute]
  model = null
  compute = null
  for (const discussion of discussions.values()) discussion.dispose()
  discussions.clear()
  await oldModel?.dispose()
  oldCompute?.device?.destroy()
  return null
}

function describe(
  { device, provider, adapter, f16, software, subgroups, reason }: Compute,
  { recordsSteps, context }: Blip2,
  memory: MemoryReport,
): DeviceReport {
  const limits = device === null ? null : limitsOf(device.limits)
  const build = buildFor(provider)
  return { provider, adapter, f16, software, subgroups, reason, recordsSteps, context, limits, build, memory }
}

function limitsOf(limits: GPUSupportedLimits): DeviceReport['limits'] {
  return {
    buffer: limits.maxBufferSize,
    storageBinding: limits.maxStorageBufferBindingSize,
    workgroupStorage: limits.maxComputeWorkgroupStorageSize,
  }
}

serve<EngineCalls>(self, {
  load,
  untilLost,
  look: using(look),
  answer: using(answer),
  changeMemory: using(changeMemory),
  unload,
})
