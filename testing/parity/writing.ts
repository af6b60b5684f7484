/** Compares what a model of stage 1 writes with LAVIS' own definition (`models/reference/make_writer.py`). */
import type { Compute } from '../../src/runtime/device/compute.ts'
import { convertCheckpoint } from '../../src/convert/convert.ts'
import { sinkInMemory, type FileTree } from '../../src/pack/bytes.ts'
import { GREEDY, type DecodingSettings } from '../../src/pack/decoding.ts'
import type { PackReader, Precision } from '../../src/pack/manifest.ts'
import type { Pixels } from '../../src/image/pixels.ts'
import { openRetrievalModel } from '../../src/runtime/models/models.ts'
import type { RetrievalModel } from '../../src/runtime/models/retrieval.ts'
import type { EncodedPicture } from '../../src/runtime/retrieval/text-q-former.ts'
import type { Answer } from '../../src/runtime/talk/discussion.ts'
import { packInMemory, storedValues, worstError, type ReadFile } from './reference.ts'

export const WRITER = 'lavis-writer'

/** Names of transformers' `generate`, which LAVIS calls. */
interface Settings {
  num_beams?: number
  num_return_sequences?: number
  length_penalty?: number
  repetition_penalty?: number
  no_repeat_ngram_size?: number
  min_length?: number
}

interface Reference {
  startId: number
  temperature: number
  /** Both count `[DEC]`. */
  maxLength: number
  minLength: number
  cases: {
    image: number
    settings: Settings
    answers: { ids: number[]; score: number | null; text: string }[]
  }[]
}

export async function writerPack(tree: FileTree, precision: Precision): Promise<PackReader> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(tree, sinkInMemory(files), { name: WRITER, precision })
  return packInMemory(files)
}

export async function readWriterReference(read: ReadFile): Promise<Reference> {
  const bytes = await read(`${WRITER}/reference.json`)
  if (bytes === undefined) throw new Error('There is no reference.')
  return JSON.parse(new TextDecoder().decode(bytes)) as Reference
}

export interface Written {
  ours: Answer[]
  reference: Reference['cases'][number]['answers']
}

/**
 * What was written under all settings, and the largest errors over the largest reference values, by call. `few`: of one
 * picture; not `writes`: how likely given words are, and nothing is written, where each run is slow.
 */
export async function compareWriting(
  read: ReadFile,
  pack: PackReader,
  compute: Compute,
  { few = false, writes = true } = {},
): Promise<{ errors: Map<string, number>; written: Written[] }> {
  const reference = await readWriterReference(read)
  const stored = await storedValues(read, `${WRITER}/reference.safetensors`)
  const model = await openRetrievalModel(pack, compute)
  const errors = new Map<string, number>()
  const written: Written[] = []
  for (const image of few ? [0] : [0, 1]) {
    const size = pack.manifest.parts.vision.shape.imageSize
    const pixels: Pixels = { data: await stored(`image${image}.pixel_values`), size, brand: 'pixels' }
    const picture = await model.encode(pixels)
    try {
      const features = await model.visionFeatures(picture)
      errors.set(`vision ${image}`, worstError(features, await stored(`image${image}.image_features`)))
      const cases = reference.cases.filter((one) => one.image === image).slice(0, few ? 2 : undefined)
      const ids = cases[0]?.answers[0]?.ids ?? []
      const logits = await stored(`image${image}.logits`)
      const ours = await model.captionLogProbabilities(picture, ids)
      errors.set(`log-probabilities ${image}`, worstError(ours, logProbabilities(logits, ids)))
      for (const { settings, answers } of writes ? cases : [])
        written.push({ ours: await write(model, picture, settings, reference), reference: answers })
    } finally {
      picture.features.dispose()
    }
  }
  await model.dispose()
  return { errors, written }
}

async function write(
  model: RetrievalModel,
  picture: EncodedPicture,
  settings: Settings,
  { maxLength, minLength }: Reference,
): Promise<Answer[]> {
  const own: DecodingSettings = {
    ...GREEDY,
    maxNewTokens: maxLength - 1,
    minNewTokens: (settings.min_length ?? minLength) - 1,
    beams: settings.num_beams ?? 1,
    answers: settings.num_return_sequences ?? 1,
    lengthPenalty: settings.length_penalty ?? 1,
    repetitionPenalty: settings.repetition_penalty ?? 1,
    noRepeatNgram: settings.no_repeat_ngram_size ?? 0,
  }
  let answers: Answer[] = []
  for await (const soFar of model.write(picture, '', { settings: own })) answers = soFar.answers
  return answers
}

/** Of each id, from the logits [L + 1, vocabulary] behind `[DEC]` and each of them. */
function logProbabilities(logits: Float32Array, ids: readonly number[]): Float32Array {
  const vocabulary = logits.length / (ids.length + 1)
  return Float32Array.from(ids, (id, i) => {
    const row = logits.subarray(i * vocabulary, (i + 1) * vocabulary)
    const most = row.reduce((so, value) => Math.max(so, value), -Infinity)
    const sum = row.reduce((so, value) => so + Math.exp(value - most), 0)
    return (row[id] ?? NaN) - most - Math.log(sum)
  })
}
