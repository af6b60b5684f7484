import { describe, expect, it } from 'vitest'
import { answerText, dialoguePrompt, fitDialogue, type Turn } from './dialogue.ts'

const turns: Turn[] = [
  { question: 'which city is this?', answer: 'singapore' },
  { question: 'why?', answer: ' it has a statue of a merlion.' },
]

describe('the prompt of a conversation', () => {
  it('has the form of the paper', () => {
    expect(dialoguePrompt(turns.slice(0, 1), ' why? ')).toBe(
      'Question: which city is this? Answer: singapore. Question: why? Answer:',
    )
    expect(dialoguePrompt([], 'why?')).toBe('Question: why? Answer:')
  })

  it('ends every earlier answer with one full stop', () => {
    expect(dialoguePrompt(turns, 'and?')).toContain('Answer: it has a statue of a merlion. Question: and?')
  })

  it('follows a template, whatever a question holds', () => {
    expect(dialoguePrompt([], '{question} $& $1', 'Q: {question} Short answer:')).toBe(
      'Q: {question} $& $1 Short answer:',
    )
    expect(() => dialoguePrompt([], 'why?', 'Answer:')).toThrow(
      expect.objectContaining({ code: 'bad-usage' }),
    )
  })
})

describe('an answer', () => {
  it('ends where the model asks its own next question', () => {
    expect(answerText(' a cat. Question: what else? Answer:')).toBe('a cat.')
  })
})

describe('a history that is too long', () => {
  const toIds = (kept: readonly Turn[]): number[] => Array<number>(10 * kept.length + 5).fill(7)

  it('loses its oldest turns, and only as many as it must', () => {
    expect(fitDialogue(turns, toIds, 25)).toEqual({ ids: toIds(turns), dropped: 0 })
    expect(fitDialogue(turns, toIds, 24)).toMatchObject({ dropped: 1 })
    expect(fitDialogue(turns, toIds, 5)).toMatchObject({ dropped: 2 })
  })

  it('loses several at once when it is long, so that the next turn finds its beginning unchanged', () => {
    const many = Array.from({ length: 20 }, (_, i) => ({ question: `${i}?`, answer: 'yes' }))
    expect(fitDialogue(many, toIds, 200).dropped).toBe(4)
    expect(fitDialogue(many.slice(0, 19), toIds, 200).dropped).toBe(0)
    expect(fitDialogue([...many, ...many.slice(0, 3)], toIds, 200).dropped).toBe(4)
  })

  it('of thousands of turns is read at its end only, with the same outcome', () => {
    const words = Array.from({ length: 1000 }, (_, i) => ({ question: `${i}?`, answer: 'x'.repeat(i % 9) }))
    let read = 0
    const counted = (kept: readonly Turn[]): number[] => {
      read += kept.length
      return kept.flatMap(({ answer }) => Array<number>(1 + answer.length).fill(7))
    }
    for (const room of [0, 1, 9, 500, 30_000]) {
      let plain = 0
      while (counted(words.slice(plain)).length > room) plain = Math.min(plain + 4, words.length)
      read = 0
      const { ids, dropped } = fitDialogue(words, counted, room)
      expect([dropped, ids.length]).toEqual([plain, counted(words.slice(plain)).length])
      if (room === 500) expect(read).toBeLessThan(10 * (words.length - dropped))
    }
  })

  it('is refused when the question alone does not fit', () => {
    expect(() => fitDialogue(turns, toIds, 4)).toThrow(expect.objectContaining({ code: 'prompt-too-long' }))
  })
})
