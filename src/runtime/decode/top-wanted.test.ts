import { expect, it } from 'vitest'
import { GREEDY, type DecodingSettings } from '../../pack/decoding.ts'
import type { Logits, ScoreRow, Sequence, TopWanted } from '../language/language-model.ts'
import { topReference } from '../wgsl/kernels/top/reference.ts'
import type { Hypothesis } from './beam-search.ts'
import { generate } from './generate.ts'
import { seededUniform } from './sampling.ts'
import { topWanted } from './top-wanted.ts'

const VOCABULARY = 300
const EOS = 5
/** Of the ending, by the last word: it is the likeliest of all behind some, and among the likeliest behind others. */
const ENDINGS = [4, 16, 14, 4]

/**
 * Logits that follow from the last word in a few ways, so that answers run in circles, with some equals among them if
 * wanted; few words are likely, as in a model, and so is the ending now and then.
 */
function logitsBehind(tokens: readonly number[], equals: boolean): Logits {
  const state = (tokens.at(-1) ?? 0) % 4
  const next = seededUniform(state)
  return Float32Array.from({ length: VOCABULARY }, (_, id) => {
    const word = next()
    const logit = id === EOS ? (ENDINGS[state] ?? 0) : 15 * word ** 6
    return equals ? Math.round(4 * logit) / 4 : logit
  })
}

/** A model that tells all of a row, or no more than is wanted of it, and counts how much that is. */
function sequence(tells: 'all' | 'wanted', read: { values: number }, equals: boolean): Sequence {
  let said: number[] = []
  const all = (tokens: readonly number[]): Logits => {
    read.values += VOCABULARY
    return logitsBehind(tokens, equals)
  }
  const some = (tokens: readonly number[], wanted: TopWanted): ScoreRow => {
    const found = topReference(logitsBehind(tokens, equals), wanted)
    const logits = new Float32Array(VOCABULARY).fill(-Infinity)
    found.ids.forEach((id, i) => (logits[id] = found.logits[i] ?? NaN))
    wanted.besides.forEach((id, i) => (logits[id] = found.besides[i] ?? NaN))
    read.values += found.ids.length + wanted.besides.length
    return { logits, norm: found.norm }
  }
  return {
    begin: (prompt) => Promise.resolve({ logits: all((said = [...prompt])), ran: prompt.length }),
    step: (token) => Promise.resolve(all((said = [...said, token]))),
    top:
      tells === 'all'
        ? undefined
        : {
            begin: (prompt, _, wanted) =>
              Promise.resolve({ ...some((said = [...prompt]), wanted), ran: prompt.length }),
            step: (token, wanted) => Promise.resolve(some((said = [...said, token]), wanted)),
          },
    rewind: () => Promise.resolve(),
    fork: (count) => {
      let rows = Array.from({ length: count }, () => said)
      const go = (tokens: readonly number[], parents?: readonly number[]): number[][] =>
        (rows = tokens.map((token, i) => [...(rows[parents?.[i] ?? i] ?? []), token]))
      return Promise.resolve({
        step: (tokens, parents) =>
          Promise.resolve(Float32Array.from(go(tokens, parents).flatMap((row) => [...all(row)]))),
        top:
          tells === 'all'
            ? undefined
            : (tokens, parents, wanted) =>
                Promise.resolve(
                  go(tokens, parents).map((row, i) => some(row, wanted[i] ?? { count: 0, besides: [] })),
                ),
        dispose: () => undefined,
      })
    },
    dispose: () => undefined,
  }
}

async function answers(
  tells: 'all' | 'wanted',
  settings: DecodingSettings,
): Promise<{ answers: Hypothesis[] | null; values: number }> {
  const read = { values: 0 }
  let last: Hypothesis[] | null = null
  const context = { countedIds: [9, 9, 2, 18], eosIds: [EOS] }
  // Of tokens as likely as the last of top-k a draw from all logits has every one.
  const model = sequence(tells, read, settings.sampling === null)
  for await (const step of generate(model, [2, 18], settings, context)) last = step.answers
  return { answers: last, values: read.values }
}

const sampling = { temperature: 0.8, topK: 12, topP: 1, seed: 3 }

it.each<[string, Partial<DecodingSettings>]>([
  ['greedily with a penalty', { repetitionPenalty: 1.5 }],
  ['greedily with a reward for what was said', { repetitionPenalty: 0.6 }],
  ['greedily without n-grams twice', { noRepeatNgram: 2 }],
  ['greedily at some length', { minNewTokens: 9 }],
  ['by beams', { beams: 5, answers: 5 }],
  ['by beams with all penalties', { beams: 4, repetitionPenalty: 1.4, noRepeatNgram: 2, minNewTokens: 6 }],
  ['by beams with a reward', { beams: 3, answers: 2, repetitionPenalty: 0.7, lengthPenalty: -1 }],
  ['by a draw', { sampling }],
  ['by a draw of the likeliest share', { sampling: { ...sampling, topP: 0.7 }, repetitionPenalty: 1.3 }],
  ['by several draws', { sampling, answers: 3, minNewTokens: 5, noRepeatNgram: 3 }],
])('writes %s from some of the logits what it writes from all', async (_, settings) => {
  for (const seed of [1, 2, 3]) {
    const draw = settings.sampling && { sampling: { ...settings.sampling, seed } }
    const own = { ...GREEDY, maxNewTokens: 12, lengthPenalty: seed, ...settings, ...draw }
    const [some, all] = [await answers('wanted', own), await answers('all', own)]
    expect(some.answers?.map(({ tokens }) => tokens)).toEqual(all.answers?.map(({ tokens }) => tokens))
    some.answers?.forEach(({ score }, i) => expect(score).toBeCloseTo(all.answers?.[i]?.score ?? NaN, 5))
    expect(some.values).toBeLessThan(all.values / 10)
  }
})

it.each<[string, Partial<DecodingSettings>, object, TopWanted]>([
  ['nothing but the likeliest', {}, {}, { count: 1, besides: [] }],
  ['what may be said before an end', { minNewTokens: 3 }, { newTokens: 2 }, { count: 1, besides: [EOS] }],
  ['the end when it may be there', { minNewTokens: 3 }, { newTokens: 3 }, { count: 1, besides: [] }],
  ['candidates of beams', { beams: 5 }, {}, { count: 10, besides: [] }],
  [
    'more of them where answers end in two ways',
    { beams: 5 },
    { eosIds: [EOS, 6] },
    { count: 15, besides: [] },
  ],
  ['what was said', { repetitionPenalty: 2 }, { ids: [3, 1, 3] }, { count: 1, besides: [3, 1] }],
  ['what would be said again', { noRepeatNgram: 2 }, { ids: [3, 1, 3] }, { count: 1, besides: [1] }],
])('wants %s', (_, settings, context, wanted) => {
  const found = topWanted(
    { ...GREEDY, ...settings },
    { ids: [1, 2], newTokens: 0, eosIds: [EOS], ...context },
  )
  expect(found).toEqual(wanted)
})

it.each<[string, Partial<DecodingSettings>, object]>([
  ['rules for words', {}, { rules: { banned: [[4]], beginning: [], forced: [] } }],
  ['a draw from all', { sampling: { ...sampling, topK: 0 } }, {}],
  ['a draw from very many', { sampling: { ...sampling, topK: 65 } }, {}],
  ['a long conversation', { repetitionPenalty: 1.1 }, { ids: Array.from({ length: 513 }, (_, i) => i) }],
])('wants all logits for %s', (_, settings, context) => {
  const wanted = topWanted(
    { ...GREEDY, ...settings },
    { ids: [1, 2], newTokens: 0, eosIds: [EOS], ...context },
  )
  expect(wanted).toBeNull()
})
