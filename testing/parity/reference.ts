/**
 * For tests: the reference checkpoints, converted here and run here, against what transformers computed. The same
 * code runs in Node and in a browser, where it also shows that the converter does.
 */
import { countOf } from '../../src/runtime/ort/tensor.ts'
import { openCheckpoint } from '../../src/convert/checkpoint.ts'
import { convertCheckpoint } from '../../src/convert/convert.ts'
import type { Choices } from '../../src/convert/families/family.ts'
import type { Pixels } from '../../src/image/pixels.ts'
import { sinkInMemory, type FileTree } from '../../src/pack/bytes.ts'
import { chunksOf, parseManifest, type PackReader, type Precision } from '../../src/pack/manifest.ts'
import type { LoadOptions } from '../../src/runtime/models/blip2.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import type { TalkingModel } from '../../src/runtime/models/model.ts'
import { tracedFloats } from '../../src/runtime/models/trace.ts'
import type { TracedTensor } from '../../src/runtime/language/traced.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'

export const OPT_CHECKPOINTS = [
  'short-tied',
  'long-sharded',
  'untied',
  'wide-image',
  'coco-wide-heads',
] as const
export const T5_CHECKPOINTS = ['t5-untied', 't5-tied-sharded'] as const
export const CHECKPOINTS = [...OPT_CHECKPOINTS, ...T5_CHECKPOINTS] as const
/** As LAVIS saves them, with the files that they lie in: what it froze is in files of its own. */
const LAVIS_FILES = {
  'lavis-opt': [
    'blip2_pretrained_small.pth',
    'eva_vit_g.pth',
    ...['config.json', 'pytorch_model.bin', 'vocab.json', 'merges.txt'].map((file) => `opt-small/${file}`),
  ],
  'lavis-t5-clip': [
    'blip2_pretrained_small_vitL.pth',
    'clip_vit_L.pth',
    ...['config.json', 'model.safetensors', 'tokenizer.json'].map((file) => `flan-t5-small/${file}`),
  ],
} as const
export type LavisName = keyof typeof LAVIS_FILES
export const LAVIS_CHECKPOINTS: readonly LavisName[] = ['lavis-opt', 'lavis-t5-clip']
export type CheckpointName = (typeof CHECKPOINTS)[number] | LavisName

const STAGES = ['image_features', 'query_output', 'query_embeddings', 'encoder_output', 'logits'] as const
export type Stage = (typeof STAGES)[number]

/** What there is to compare of a checkpoint: only T5 has an encoder. */
export function stagesOf(name: CheckpointName): readonly Stage[] {
  return isT5(name) ? STAGES : STAGES.filter((stage) => stage !== 'encoder_output')
}

export function isT5(name: CheckpointName): boolean {
  return name === 'lavis-t5-clip' || T5_CHECKPOINTS.some((one) => one === name)
}

interface Case {
  image: string
  imageKey: string
  prompt: string
  promptIds: number[]
  newIds: number[]
  text: string
}

interface ReferenceJson {
  maxNewTokens: number
  cases: Case[]
  tokenizerCases: { text: string; ids: number[] }[]
}

/** Reads a file under models/reference. */
export type ReadFile = (path: string) => Promise<ArrayBuffer | undefined>

export async function readReference(read: ReadFile, name: CheckpointName): Promise<ReferenceJson> {
  const bytes = await read(`${name}/reference.json`)
  if (bytes === undefined) throw new Error(`models/reference/${name} has no reference.json`)
  return JSON.parse(new TextDecoder().decode(bytes)) as ReferenceJson
}

/** Gives each tensor of a file of reference values. */
export async function storedValues(
  read: ReadFile,
  file: string,
): Promise<(tensor: string) => Promise<Float32Array<ArrayBuffer>>> {
  const stored = await openCheckpoint({ open: (path) => read(path === 'model.safetensors' ? file : '') })
  return (tensor) => stored.readElements(tensor, 0, countOf(stored.tensors.get(tensor)?.shape ?? [0]))
}

/** The files of a reference checkpoint; a place that can list them where that matters. */
export function referenceTree(read: ReadFile, name: string): FileTree {
  const files: Partial<Record<string, readonly string[]>> = LAVIS_FILES
  const listed = files[name]
  return {
    open: (path) => read(`${name}/${path}`),
    ...(listed !== undefined && { list: () => Promise.resolve(listed) }),
  }
}

/** Converts a reference checkpoint in memory. */
export async function convertReference(
  read: ReadFile,
  name: string,
  precision: Precision,
  choices?: Choices,
): Promise<PackReader> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(referenceTree(read, name), sinkInMemory(files), { precision, name, choices })
  return packInMemory(files)
}

export function packInMemory(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): PackReader {
  const manifest = parseManifest(new TextDecoder().decode(files.get('pack.json')))
  return {
    manifest,
    file(path) {
      const entry = manifest.files.find((file) => file.path === path)
      const parts =
        entry === undefined ? [] : chunksOf(entry).map((chunk) => files.get(chunk.path) ?? new Uint8Array())
      return Promise.resolve(new Blob(parts))
    },
  }
}

export interface Comparison {
  prompt: string
  /** Largest difference over largest reference value, per stage. */
  worst: Map<Stage, number>
  /** Root mean square of the differences over that of the reference, per stage. */
  rms: Map<Stage, number>
  promptIds: { ours: number[]; reference: number[] }
  newIds: { ours: number[]; reference: number[] }
  text: { ours: string; reference: string }
}

export interface ComparisonOptions extends LoadOptions {
  /** Only the last case, whose prompt is a question of many tokens: for where each run is slow. */
  lastOnly?: boolean
}

/**
 * Runs the cases of a reference checkpoint and compares each stage. Pixels are the reference's own. A picture is looked
 * at twice, however many prompts it has: once traced, and once as for people, which is what answers are made from.
 */
export async function compareWithReference(
  read: ReadFile,
  name: CheckpointName,
  precision: Precision,
  compute: Compute,
  { lastOnly = false, ...options }: ComparisonOptions = {},
): Promise<Comparison[]> {
  const pack = await convertReference(read, name, precision)
  const model = await openTalkingModel(pack, compute, options)
  const { cases, maxNewTokens } = await readReference(read, name)
  const values = await storedValues(read, `${name}/reference.safetensors`)
  const pictures = new Map<string, Picture>()
  const results: Comparison[] = []
  for (const [index, one] of [...cases.entries()].slice(lastOnly ? -1 : 0)) {
    const promptIds = model.talk.promptIds(one.prompt)
    const { imageKey } = one
    const known = pictures.get(imageKey)
    const picture = known ?? (await lookedAt(model, await pixelsOf(values, imageKey, model)))
    pictures.set(imageKey, picture)
    const traced = model.look.seenBefore(tracedFloats(picture.stages, 'query_embeddings'))
    const stages = [...picture.stages, ...(await model.talk.trace(traced, promptIds, one.newIds))]
    // Runs everywhere, if only once for a picture; its values are compared in Node.
    if (known === undefined)
      await model.talk.logProbabilities(model.look.seenBefore(picture.embeddings), promptIds, one.newIds)
    const compared = async (stage: Stage): Promise<[Float32Array, Float32Array]> => {
      const ofPrompt = stage === 'logits' || stage === 'encoder_output'
      const tensor = ofPrompt ? `case${index}.${stage}` : `${imageKey}.${stage}`
      return [tracedFloats(stages, stage), await values(tensor)]
    }
    const [worst, rms] = [new Map<Stage, number>(), new Map<Stage, number>()]
    for (const stage of stagesOf(name)) {
      const pair = await compared(stage)
      worst.set(stage, worstError(...pair))
      rms.set(stage, rmsError(...pair))
    }
    const seen = model.look.seenBefore(picture.embeddings)
    const answer = await lastOf(model.talk.answer(seen, { prompt: one.prompt, maxNewTokens }))
    results.push({
      prompt: one.prompt,
      worst,
      rms,
      promptIds: { ours: promptIds, reference: one.promptIds },
      newIds: { ours: answer.tokenIds, reference: one.newIds },
      text: { ours: answer.text, reference: one.text.trim() },
    })
  }
  await model.dispose()
  return results
}

interface Picture {
  stages: TracedTensor[]
  /** Of a look that was not traced. */
  embeddings: Float32Array
}

async function lookedAt({ look }: TalkingModel, pixels: Pixels): Promise<Picture> {
  const { seen, tensors } = await look.trace(pixels)
  seen.embeddings.dispose()
  const { embeddings } = await look.see(pixels)
  try {
    return { stages: tensors, embeddings: await embeddings.read() }
  } finally {
    embeddings.dispose()
  }
}

/** The pixels of a picture, as the reference has them. */
export async function pixelsOf(
  values: (tensor: string) => Promise<Float32Array<ArrayBuffer>>,
  imageKey: string,
  { manifest }: TalkingModel,
): Promise<Pixels> {
  const data = await values(`${imageKey}.pixel_values`)
  return { data, size: manifest.parts.vision.shape.imageSize, brand: 'pixels' }
}

export async function lastOf<T>(values: AsyncIterable<T>): Promise<T> {
  let last: T | undefined
  for await (const value of values) last = value
  if (last === undefined) throw new Error('The answer was empty.')
  return last
}

export function worstError(ours: Float32Array, reference: Float32Array): number {
  if (ours.length !== reference.length) return Infinity
  let difference = 0
  let largest = 0
  for (let i = 0; i < ours.length; i += 1) {
    difference = Math.max(difference, Math.abs((ours[i] ?? NaN) - (reference[i] ?? NaN)))
    largest = Math.max(largest, Math.abs(reference[i] ?? NaN))
  }
  return difference / largest
}

function rmsError(ours: Float32Array, reference: Float32Array): number {
  if (ours.length !== reference.length) return Infinity
  let difference = 0
  let total = 0
  for (let i = 0; i < ours.length; i += 1) {
    difference += ((ours[i] ?? NaN) - (reference[i] ?? NaN)) ** 2
    total += (reference[i] ?? NaN) ** 2
  }
  return Math.sqrt(difference / total)
}
