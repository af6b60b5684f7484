import { describe, expect, it } from 'vitest'
import { GREEDY } from '../../pack/decoding.ts'
import type { Logits, Sequence } from '../language/language-model.ts'
import { Discussion, type AnswerSoFar } from './discussion.ts'

const VOCABULARY = 64

/** A model that says one word after the other, whatever it is asked. */
function saying(words: readonly number[]): Sequence {
  let at = 0
  const next = (): Logits => {
    const logits = new Float32Array(VOCABULARY)
    logits[words[at] ?? 0] = 9
    at += 1
    return logits
  }
  return {
    begin: () => Promise.resolve({ logits: next(), ran: 3 }),
    step: () => Promise.resolve(next()),
    rewind: () => Promise.resolve(),
    fork: () => Promise.reject(new Error('not expected')),
    dispose: () => undefined,
  }
}

const WORDS: Record<number, string> = { 7: 'a', 8: 'red', 9: 'heart', 10: 'Question:', 11: 'why' }

function discuss(words: readonly number[]): { discussion: Discussion; decoded: number[][] } {
  const decoded: number[][] = []
  const discussion = new Discussion(saying(words), {
    language: { promptRoom: () => 100, answerRoom: () => 100 },
    promptIds: () => [2],
    decode: (ids) => {
      decoded.push([...ids])
      return ids.map((id) => WORDS[id] ?? '').join(' ')
    },
    countedIds: (prompt) => prompt,
    eosIds: () => [1],
  })
  return { discussion, decoded }
}

async function allOf(steps: AsyncIterable<AnswerSoFar>): Promise<AnswerSoFar[]> {
  const all: AnswerSoFar[] = []
  for await (const step of steps) all.push(step)
  return all
}

describe('a discussion', () => {
  const settings = { ...GREEDY, maxNewTokens: 6 }

  it('turns each token into text once', async () => {
    const { discussion, decoded } = discuss([7, 8, 9, 1])
    const steps = await allOf(discussion.ask([], 'what is it?', { settings }))
    expect(steps.at(-1)?.text).toBe('a red heart')
    expect(decoded.map((ids) => ids.length)).toEqual([1, 2, 3, 4])
  })

  it('ends where the model asks its own next question, and leaves that out', async () => {
    const { discussion, decoded } = discuss([7, 9, 10, 11, 8])
    const steps = await allOf(discussion.ask([], 'what is it?', { settings }))
    expect(steps.at(-1)).toMatchObject({ text: 'a heart', finish: 'end', tokenIds: [7, 9, 10] })
    expect(decoded).toHaveLength(3)
  })

  it('of a caption that word is a part', async () => {
    const { discussion } = discuss([7, 9, 10, 11, 1])
    const steps = await allOf(discussion.answer('', { settings }))
    expect(steps.at(-1)).toMatchObject({ text: 'a heart Question: why ', finish: 'end' })
  })
})
