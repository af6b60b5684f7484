import { describe, expect, it } from 'vitest'
import { GREEDY } from '../../pack/decoding.ts'
import { AppError } from '../../pack/failure.ts'
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
  promptIds: (prompt: string) => number[] = () => [2],
): { discussion: Discussion; decoded: number[][] } {
  const decoded: number[][] = []
  const discussion = new Discussion(sequence, {
    language,
    promptIds,
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

describe('a conversation for which the device turns out to have no memory', () => {
  const settings = { ...GREEDY, maxNewTokens: 3 }
  const earlier = Array.from({ length: 5 }, () => ({ question: 'what is it?', answer: 'a heart' }))

  /** What could be had before and after memory was asked for; each earlier turn is one token. */
  function discussIn(before: number, after: number): ReturnType<typeof discuss> {
    let room = before
    const sequence = saying([7, 9, 1])
    const begin: Sequence['begin'] = (prompt, newTokens) => {
      if (prompt.length <= after) return sequence.begin(prompt, newTokens)
      room = after
      return Promise.reject(new AppError('out-of-memory', 'There is no room for keys and values.'))
    }
    const language = { promptRoom: () => room, answerRoom: () => 3 }
    return discuss([], language, { ...sequence, begin }, (prompt) =>
      [2, ...prompt.matchAll(/heart/g)].map(() => 2),
    )
  }

  it('goes on with less of what was said before', async () => {
    const steps = await allOf(discussIn(6, 3).discussion.ask(earlier, 'why?', { settings }))
    expect(steps.at(-1)).toMatchObject({ text: 'a heart', dropped: 3, finish: 'end' })
  })

  it('ends where there is room for nothing else either', async () => {
    const steps = discussIn(6, 0).discussion.ask(earlier, 'why?', { settings })
    await expect(allOf(steps)).rejects.toMatchObject({ code: 'prompt-too-long' })
    const same = discussIn(6, 6)
    const failing = same.discussion.ask([...earlier, ...earlier], 'why?', { settings })
    expect((await allOf(failing)).at(-1)?.dropped).toBe(8)
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
