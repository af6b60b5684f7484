import { expect, it } from 'vitest'
import { GREEDY } from '../../pack/decoding.ts'
import type { Sequence } from '../language/language-model.ts'
import { generate, type GenerateContext } from './generate.ts'

/** Its device chooses 7, 8, 9, 1 and on; its logits say 3. */
function sequence(taken: number[]): Sequence {
  const logits = Float32Array.from({ length: 12 }, (_, i) => (i === 3 ? 9 : 0))
  return {
    async *greedy(prompt) {
      for (const token of [7, 8, 9, 1, 5, 6]) {
        taken.push(token)
        yield await Promise.resolve({ token, logProbability: -0.5, ran: prompt.length })
      }
    },
    begin: (prompt) => Promise.resolve({ logits, ran: prompt.length }),
    step: () => Promise.resolve(logits),
    rewind: () => Promise.resolve(),
    fork: () => Promise.reject(new Error('not asked for')),
    dispose: () => undefined,
  }
}

async function answered(
  settings: object,
  context: Partial<GenerateContext> = {},
): Promise<{ tokens: number[]; score: number; taken: number[] }> {
  const taken: number[] = []
  let last = { tokens: [] as number[], score: 0 }
  const steps = generate(
    sequence(taken),
    [2],
    { ...GREEDY, maxNewTokens: 6, ...settings },
    { countedIds: [], eosIds: [1], ...context },
  )
  for await (const { best } of steps) last = best
  return { ...last, taken }
}

it('leaves a plain greedy answer to the device and asks for nothing behind its end', async () => {
  expect(await answered({})).toMatchObject({ tokens: [7, 8, 9, 1], score: -0.5, taken: [7, 8, 9, 1] })
  expect((await answered({ maxNewTokens: 2 })).tokens).toEqual([7, 8])
  expect((await answered({}, { isOver: (tokens) => tokens.length === 3 })).taken).toEqual([7, 8, 9])
})

it.each<[string, object, Partial<GenerateContext>]>([
  ['a penalty', { repetitionPenalty: 1.1 }, {}],
  ['a shortest length', { minNewTokens: 2 }, {}],
  ['n-grams that must not occur twice', { noRepeatNgram: 3 }, {}],
  ['a draw', { sampling: { temperature: 0.01, topK: 1, topP: 1, seed: 1 } }, {}],
  ['rules for its words', {}, { rules: { banned: [[4]], beginning: [], forced: [] } }],
])('chooses itself where there is %s', async (_, settings, context) => {
  const { tokens, taken } = await answered({ maxNewTokens: 2, ...settings }, context)
  expect(taken).toEqual([])
  expect(tokens[0]).toBe(3)
})
