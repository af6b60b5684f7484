/** Compares what a chat model gives beside its answers with transformers (`models/reference/make_chat_features.py`). */
import type { Compute } from '../../src/runtime/device/compute.ts'
import { AppError } from '../../src/pack/failure.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import { tracedFloats, traceStages } from '../../src/runtime/models/trace.ts'
import {
  convertReference,
  storedValues,
  worstError,
  type CheckpointName,
  type ReadFile,
} from './reference.ts'

/** The largest errors over the largest reference values, by what was compared. */
export async function chatFeatureErrors(
  read: ReadFile,
  name: CheckpointName,
  compute: Compute,
): Promise<Map<string, number>> {
  const pack = await convertReference(read, name, 'fp32')
  const model = await openTalkingModel(pack, compute)
  const stored = await storedValues(read, `${name}/chat-features.safetensors`)
  const bytes = await read(`${name}/chat-features.json`)
  if (bytes === undefined) throw new Error(`There are no features of ${name}.`)
  const { ids } = JSON.parse(new TextDecoder().decode(bytes)) as { ids: number[] }
  const size = model.manifest.parts.vision.shape.imageSize
  const data = await stored('pixel_values')
  const traced = await traceStages(model, { data, size, brand: 'pixels' }, ids.length > 0 ? ids : [1], [])
  const errors = new Map<string, number>()
  for (const [own, tensor] of [
    ['pooler_output', 'pooler_output'],
    ['text_hidden_states', 'hidden_states'],
  ] as const) {
    if (tensor === 'hidden_states' && ids.length === 0) continue
    errors.set(own, worstError(tracedFloats(traced, own), await stored(tensor)))
  }
  if (ids.length === 0) await model.features.textStates([1]).catch(isAsExpected)
  await model.dispose()
  return errors
}

/** A model with an encoder reads no text by itself, and says so. */
function isAsExpected(error: unknown): void {
  if (!(error instanceof AppError) || error.code !== 'bad-pack') throw error
}
