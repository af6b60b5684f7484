import { describe, expect, it } from 'vitest'
import { GREEDY, type DecodingSettings, type Sampling } from '../../pack/decoding.ts'
import type { Sequence } from '../language/language-model.ts'
import { generate } from './generate.ts'
import { seededUniform } from './sampling.ts'
import { completing, forcedIds, stillToWrite, type TokenRules } from './word-rules.ts'

const VOCABULARY = 12
const EOS = 0
const FREE: TokenRules = { banned: [], beginning: [], forced: [] }

/** Logits that depend on the last token and the place, and favour an early end. */
function logitsBehind(token: number, place: number, seed: number): Float32Array<ArrayBuffer> {
  const uniform = seededUniform(seed * 7919 + token * 31 + place)
  const logits = Float32Array.from({ length: VOCABULARY }, () => 5 * uniform())
  logits[EOS] = place < 2 ? -2 : 4
  return logits
}

function chatter(seed: number): Sequence {
  let place = 0
  return {
    begin: () => Promise.resolve({ logits: logitsBehind(0, (place = 0), seed), ran: 1 }),
    step: (token) => Promise.resolve(logitsBehind(token, ++place, seed)),
    rewind: () => Promise.resolve(),
    fork: () =>
      Promise.resolve({
        step: (tokens) => {
          place += 1
          const rows = Float32Array.from(tokens.flatMap((token) => [...logitsBehind(token, place, seed)]))
          return Promise.resolve(rows)
        },
        dispose: () => undefined,
      }),
    dispose: () => undefined,
  }
}

async function answersOf(seed: number, settings: DecodingSettings, rules?: TokenRules): Promise<number[][]> {
  let answers: number[][] = []
  for await (const soFar of generate(chatter(seed), [1], settings, { countedIds: [1], eosIds: [EOS], rules }))
    answers = soFar.answers?.map(({ tokens }) => tokens) ?? []
  return answers
}

const has = (tokens: readonly number[], ids: readonly number[]): boolean =>
  tokens.some((_, start) => ids.every((id, i) => tokens[start + i] === id))

const sampling: Sampling = { temperature: 1, topK: 6, topP: 0.9, seed: 3 }
const WAYS: [string, DecodingSettings][] = [
  ['greedily', { ...GREEDY, maxNewTokens: 9 }],
  ['with beams', { ...GREEDY, beams: 4, answers: 3, maxNewTokens: 9 }],
  ['with beams that repeat nothing', { ...GREEDY, beams: 3, maxNewTokens: 9, noRepeatNgram: 2 }],
  ['as a sample', { ...GREEDY, maxNewTokens: 9, sampling }],
  ['as several samples', { ...GREEDY, answers: 3, maxNewTokens: 9, sampling }],
  ['with hardly room for the words', { ...GREEDY, maxNewTokens: 5 }],
  ['with beams and hardly room', { ...GREEDY, beams: 2, maxNewTokens: 5 }],
]
const SEEDS = Array.from({ length: 40 }, (_, i) => i)

describe.each(WAYS)('written %s, an answer', (_, settings) => {
  it('has every word that it must, to the end', async () => {
    const forced = [forcedIds([[7, 8, 9]]), forcedIds([[5], [11, 3, 2]])]
    for (const seed of SEEDS) {
      const answers = await answersOf(seed, settings, { ...FREE, forced })
      expect(answers.length).toBeGreaterThan(0)
      for (const tokens of answers) {
        expect(has(tokens, [7, 8, 9]), `${seed}: ${tokens.join()}`).toBe(true)
        expect(has(tokens, [5]) || has(tokens, [11, 3, 2]), `${seed}: ${tokens.join()}`).toBe(true)
      }
    }
  })

  it('has no word that it must not, however it is spelled', async () => {
    const spelled = (tokens: readonly number[]): boolean => has(tokens, [4]) || has(tokens, [6, 6])
    for (const seed of SEEDS)
      for (const tokens of await answersOf(seed, settings, {
        ...FREE,
        banned: [[10], [3, 2]],
        spellsBanned: spelled,
      })) {
        expect(tokens).not.toContain(10)
        expect(has(tokens, [3, 2]) || spelled(tokens), tokens.join()).toBe(false)
      }
  })

  it('begins as it was asked to, with what would repeat something too', async () => {
    for (const seed of SEEDS.slice(0, 10))
      for (const tokens of await answersOf(seed, settings, { ...FREE, beginning: [3, 3, 3, 3] }))
        expect(tokens.slice(0, 4)).toEqual([3, 3, 3, 3])
  })
})

describe('words that must occur', () => {
  it('change nothing where they occur anyway', async () => {
    const settings = { ...GREEDY, maxNewTokens: 9 }
    for (const seed of SEEDS) {
      const [free = []] = await answersOf(seed, settings)
      const forced = [forcedIds([free.slice(0, 2)])]
      expect(await answersOf(seed, settings, { ...FREE, forced })).toEqual([free])
    }
  })

  it('are found by beams where they fit better than where greedy search puts them', async () => {
    const forced = [forcedIds([[7, 8]])]
    const scoreOf = async (seed: number, beams: number): Promise<number> => {
      let score = -Infinity
      const settings = { ...GREEDY, beams, maxNewTokens: 8 }
      for await (const { best, answers } of generate(chatter(seed), [1], settings, {
        countedIds: [],
        eosIds: [EOS],
        rules: { ...FREE, forced },
      }))
        if (answers !== null) score = best.score
      return score
    }
    let better = 0
    for (const seed of SEEDS) better += Math.sign((await scoreOf(seed, 8)) - (await scoreOf(seed, 1)))
    expect(better).toBeGreaterThan(SEEDS.length / 2)
  })

  it('are refused in one sentence when nothing may be written', async () => {
    const everything = Array.from({ length: VOCABULARY }, (_, id) => [id])
    for (const beams of [1, 3])
      await expect(
        answersOf(1, { ...GREEDY, beams }, { ...FREE, banned: everything, forced: [forcedIds([[7]])] }),
      ).rejects.toMatchObject({ code: 'bad-usage' })
  })
})

describe('what is still to be written', () => {
  it('counts the shortest way, less what stands there already', () => {
    const forced = [forcedIds([[7, 8, 9]]), forcedIds([[5, 6], [4]])]
    expect(stillToWrite(forced, [1])).toEqual({ needed: 4, afresh: 4, next: [7, 4], underway: false })
    expect(stillToWrite(forced, [1, 7, 8])).toEqual({ needed: 2, afresh: 4, next: [9], underway: true })
    expect(stillToWrite(forced, [4, 7, 8, 9])).toEqual({ needed: 0, afresh: 0, next: [], underway: false })
  })

  it('knows a spelling of the answer’s first place only there', () => {
    const word = { spellings: [[3, 4]], atStart: [[9, 4]], isIn: () => false }
    expect(stillToWrite([word], []).next).toEqual([3, 9])
    expect(stillToWrite([word], [9])).toEqual({ needed: 1, afresh: 2, next: [4], underway: true })
    expect(stillToWrite([word], [1, 9])).toEqual({ needed: 2, afresh: 2, next: [3], underway: false })
  })
})

it('Only a sequence all of whose other tokens are there is about to be completed, and an end never is', () => {
  expect(completing([[5], [1, 2, 6], [2, 2, 7], [EOS], [9, 1, 2, 8]], [1, 2], [EOS])).toEqual([5, 6])
})
