/** For tests: transformers' own `generate` under many settings (models/reference/make_generation.py) against ours. */
import { partsOf } from '../../src/pack/families.ts'
import type { PackManifest } from '../../src/pack/manifest.ts'
import { GREEDY, type DecodingSettings } from '../../src/pack/decoding.ts'
import type { SeenImage } from '../../src/runtime/models/look.ts'
import type { TalkingModel } from '../../src/runtime/models/model.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import type { Answer, AnswerOptions } from '../../src/runtime/talk/discussion.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'
import {
  convertReference,
  lastOf,
  pixelsOf,
  readReference,
  storedValues,
  type CheckpointName,
  type ReadFile,
} from './reference.ts'

interface GenerationCase {
  imageKey: string
  promptIds: number[]
  /** Names of transformers' `GenerationConfig`. */
  settings: Record<string, number>
  /** transformers' `bad_words_ids`, and what its `prefix_allowed_tokens_fn` lets an answer begin with. */
  banned?: number[][]
  beginning?: number[]
  answers: { ids: number[]; score: number | null }[]
}

export interface GenerationComparison {
  /** Picture, prompt and settings, for messages. */
  title: string
  ours: Pick<Answer, 'tokenIds' | 'score'>[]
  reference: GenerationCase['answers']
}

export function settingsOf(settings: Record<string, number>): DecodingSettings {
  return {
    ...GREEDY,
    beams: settings['num_beams'] ?? 1,
    lengthPenalty: settings['length_penalty'] ?? 1,
    repetitionPenalty: settings['repetition_penalty'] ?? 1,
    noRepeatNgram: settings['no_repeat_ngram_size'] ?? 0,
    minNewTokens: settings['min_new_tokens'] ?? 0,
    maxNewTokens: settings['max_new_tokens'] ?? 20,
    answers: settings['num_return_sequences'] ?? 1,
  }
}

export interface GenerationCases {
  cases: GenerationCase[]
  /** The text of a prompt's ids. */
  promptOf: (promptIds: readonly number[]) => string
}

/** Every `each`-th case of a checkpoint, with banned words and given beginnings among them. */
export async function generationCases(
  read: ReadFile,
  name: CheckpointName,
  each = 1,
): Promise<GenerationCases> {
  const all = [
    ...(await casesIn(read, `${name}/generation.json`)),
    // Prime to the number of settings, so that each of them comes up.
    ...(await casesIn(read, `${name}/words.json`)).filter((_, i) => i % 4 === 0),
  ]
  const { cases: prompts } = await readReference(read, name)
  const texts = new Map(prompts.map(({ promptIds, prompt }) => [String(promptIds), prompt]))
  return {
    cases: all.filter((_, i) => i % each === 0),
    promptOf: (promptIds) => texts.get(String(promptIds)) ?? '',
  }
}

/**
 * What a model answers in these cases. All cases of a picture go through one discussion, one prompt after the other, so
 * the KV cache is rewound and shared between them.
 */
export async function answersIn(
  { cases, promptOf }: GenerationCases,
  model: Pick<TalkingModel, 'talk' | 'manifest'>,
  seen: (imageKey: string) => Promise<SeenImage>,
): Promise<GenerationComparison[]> {
  const results: GenerationComparison[] = []
  for (const imageKey of new Set(cases.map((one) => one.imageKey))) {
    const discussion = model.talk.discuss(await seen(imageKey))
    for (const one of cases.filter((each) => each.imageKey === imageKey)) {
      endWith(model.manifest, eosOf(one))
      const last = await lastOf(discussion.answer(promptOf(one.promptIds), optionsOf(one)))
      results.push(comparison(one, promptOf(one.promptIds), last.answers))
    }
    discussion.dispose()
  }
  return results
}

/** The same of cases with a single answer, as rows of one batch: all of one ending token and of whatever picture. */
export async function answersTogetherIn(
  { cases, promptOf }: GenerationCases,
  model: Pick<TalkingModel, 'talk' | 'manifest'>,
  seen: (imageKey: string) => Promise<SeenImage>,
): Promise<GenerationComparison[]> {
  const results: GenerationComparison[] = []
  for (const eos of new Set(cases.map(eosOf))) {
    endWith(model.manifest, eos)
    const rows = cases.filter((one) => eosOf(one) === eos && isRow(one))
    const written = rows.map(async (one) => {
      const prompt = promptOf(one.promptIds)
      const last = await model.talk.answerTogether(seen(one.imageKey), prompt, optionsOf(one))
      return comparison(one, prompt, last.answers)
    })
    results.push(...(await Promise.all(written)))
  }
  return results
}

/** Whether it is answered as one row. */
export function isRow({ settings }: GenerationCase): boolean {
  const { beams, answers } = settingsOf(settings)
  return beams === 1 && answers === 1
}

function eosOf({ settings }: GenerationCase): number {
  return settings['eos_token_id'] ?? -1
}

function optionsOf({ settings, banned = [], beginning = [] }: GenerationCase): AnswerOptions {
  // What is ruled out by nothing may be chosen by the device.
  const rules = banned.length + beginning.length === 0 ? undefined : { banned, beginning, forced: [] }
  return { settings: settingsOf(settings), rules }
}

function comparison(
  { imageKey, settings, banned = [], beginning = [], answers }: GenerationCase,
  prompt: string,
  ours: GenerationComparison['ours'],
): GenerationComparison {
  const title = `${imageKey} ${JSON.stringify(prompt)} ${JSON.stringify({ ...settings, banned, beginning })}`
  return { title, ours, reference: answers }
}

/** Every `each`-th case of a checkpoint at fp32, against transformers; together only those with a single answer. */
export async function compareGeneration(
  read: ReadFile,
  name: CheckpointName,
  compute: Compute,
  { each = 1, together = false } = {},
): Promise<GenerationComparison[]> {
  const model = await openTalkingModel(await convertReference(read, name, 'fp32'), compute)
  const values = await storedValues(read, `${name}/reference.safetensors`)
  const answers = together ? answersTogetherIn : answersIn
  const results = await answers(await generationCases(read, name, each), model, async (imageKey) =>
    model.look.see(await pixelsOf(values, imageKey, model)),
  )
  await model.dispose()
  return results
}

async function casesIn(read: ReadFile, path: string): Promise<GenerationCase[]> {
  const bytes = await read(path)
  return bytes === undefined ? [] : (JSON.parse(new TextDecoder().decode(bytes)) as GenerationCase[])
}

/** Answers end with `id` from now on. */
function endWith(manifest: PackManifest, id: number): void {
  for (const [, { shape }] of partsOf(manifest)) if ('eosIds' in shape) shape.eosIds = [id]
}

/** What differs, one line each: other ids, another order, or a score off by more than 1e-5 of it. */
export function differences(results: readonly GenerationComparison[]): string[] {
  return results.flatMap(({ title, ours, reference }) => {
    const [our, their] = [ours.map(({ tokenIds }) => tokenIds), reference.map(({ ids }) => ids)]
    if (JSON.stringify(our) !== JSON.stringify(their))
      return [`${title}: ${JSON.stringify(our)}, not ${JSON.stringify(their)}`]
    return reference.flatMap(({ score }, i) => {
      const off = score === null ? 0 : Math.abs((ours[i]?.score ?? NaN) / score - 1)
      return off < 1e-5 ? [] : [`${title}: score ${String(ours[i]?.score)}, not ${String(score)}`]
    })
  })
}
