/** The engine's thread: the model, its GPU device and ONNX Runtime live here, away from the page. */
import { withImage } from '../image/decode.ts'
import { preprocess } from '../image/preprocess.ts'
import { AppError } from '../pack/failure.ts'
import type {
  Caption,
  CaptionProgress,
  DeviceReport,
  EngineCalls,
  LoadedModel,
  LoadProgress,
} from '../protocol/calls.ts'
import { serve } from '../protocol/rpc.ts'
import { Blip2, type AnswerSoFar } from '../runtime/blip2.ts'
import { openCompute, type Compute } from '../runtime/gpu.ts'
import { openHttpPack } from '../store/http-pack.ts'

let model: Blip2 | null = null
let compute: Compute | null = null

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
  const pack = await openHttpPack(input.packUrl, {
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
  model = await Blip2.load(pack, compute, {
    signal,
    onProgress: (graph, done, total) => report({ stage: 'preparing', graph, done, total }),
  })
  return { device: describe(compute), manifest: pack.manifest, loadMs: performance.now() - started }
}

async function caption(
  input: EngineCalls['caption']['in'],
  report: (event: CaptionProgress) => void,
  signal: AbortSignal,
): Promise<Caption> {
  if (model === null) throw new AppError('bug', 'No model is loaded.')
  const started = performance.now()
  report({ stage: 'reading' })
  const { preprocessing } = model.manifest
  const picture = await withImage(input.image, (rows) => ({
    pixels: preprocess(rows, preprocessing),
    width: rows.width,
    height: rows.height,
  }))
  const read = performance.now()
  report({ stage: 'looking', width: picture.width, height: picture.height })
  const seen = await model.see(picture.pixels)
  const looked = performance.now()
  let firstToken = looked
  let last: Pick<AnswerSoFar, 'tokenIds' | 'text' | 'finish'> = { tokenIds: [], text: '', finish: null }
  try {
    for await (const soFar of model.answer(seen, {
      prompt: input.prompt,
      maxNewTokens: input.maxNewTokens,
      signal,
    })) {
      if (soFar.tokenIds.length === 1) firstToken = performance.now()
      last = soFar
      report({ stage: 'writing', text: soFar.text, tokens: soFar.tokenIds.length })
    }
  } catch (error) {
    // Stopping keeps what was written.
    if (!(error instanceof AppError && error.code === 'cancelled')) throw error
  }
  const ended = performance.now()
  return {
    text: last.text,
    tokenIds: last.tokenIds,
    finish: last.finish ?? 'stopped',
    timings: {
      readMs: read - started,
      lookMs: looked - read,
      prefillMs: firstToken - looked,
      decodeMs: ended - firstToken,
    },
  }
}

async function unload(): Promise<null> {
  const [oldModel, oldCompute] = [model, compute]
  model = null
  compute = null
  await oldModel?.dispose()
  oldCompute?.device?.destroy()
  return null
}

function describe({ provider, adapter, f16, software, reason }: Compute): DeviceReport {
  return { provider, adapter, f16, software, reason }
}

serve<EngineCalls>(self, { load, caption, unload })
