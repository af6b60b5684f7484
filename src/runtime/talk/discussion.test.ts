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

interface Rooms {
  promptRoom: (newTokens: number) => number
  answerRoom: (promptTokens: number) => number
}
const WIDE: Rooms = { promptRoom: () => 100, answerRoom: () => 100 }

function discuss(
  words: readonly number[],
  language = WIDE,
  sequence = saying(words),
): { discussion: Discussion; decoded: number[][] } {
  const decoded: number[][] = []
  const discussion = new Discussion(sequence, {
    language,
    promptIds: () => [2],
    encode: () => [],
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

describe('a longest answer that is longer than what is left', () => {
  const narrow: Rooms = { promptRoom: (tokens) => 20 - tokens, answerRoom: (tokens) => 5 - tokens }

  it.each(['caption', 'question'])('leaves a %s as many tokens as fit', async (kind) => {
    const { discussion } = discuss([7, 8, 9, 7, 8, 9, 7], narrow)
    const settings = { ...GREEDY, maxNewTokens: 470, minNewTokens: 400 }
    const steps =
      kind === 'caption' ? discussion.answer('', { settings }) : discussion.ask([], 'what?', { settings })
    expect((await allOf(steps)).at(-1)).toMatchObject({ tokenIds: [7, 8, 9, 7], finish: 'limit' })
  })

  it('does not excuse a shortest one that is longer still', async () => {
    const { discussion } = discuss([7], narrow)
    const settings = { ...GREEDY, maxNewTokens: 2, minNewTokens: 4 }
    await expect(allOf(discussion.ask([], 'what?', { settings }))).rejects.toMatchObject({
      code: 'bad-usage',
    })
  })
})

it('An answer hears that it is to stop though the processor is never idle', async () => {
  const sequence = saying(Array<number>(200).fill(7))
  const step = (token: number): ReturnType<Sequence['step']> => {
    const until = performance.now() + 1
    while (performance.now() < until);
    return sequence.step(token)
  }
  const { discussion } = discuss([], { ...WIDE, answerRoom: () => 200 }, { ...sequence, step })
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 5)
  const settings = { ...GREEDY, maxNewTokens: 200 }
  const answer = allOf(discussion.answer('', { settings, signal: stop.signal }))
  await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
})
