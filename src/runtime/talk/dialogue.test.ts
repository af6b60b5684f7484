import { describe, expect, it } from 'vitest'
import type { DeviceMemory } from '../../pack/device-memory.ts'
import { budgetFor, roomTrials } from '../../pack/memory-budget.ts'
import { cacheNeedsOf } from '../../pack/model-needs.ts'
import { answerText, dialoguePrompt, fitDialogue, type EarlierTurn, type PromptRoom } from './dialogue.ts'

const turns: EarlierTurn[] = [
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
    const spaced = 'Question: {question} Answer: \n'
    expect(dialoguePrompt(turns.slice(0, 1), 'why?', spaced)).toBe(dialoguePrompt(turns.slice(0, 1), 'why?'))
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

describe('a conversation on a device whose memory was asked for', () => {
  it('keeps as much as the model can of what was said', () => {
    const cache = cacheNeedsOf({ layers: 32, heads: 32, cacheHeadSize: 80 }, 'float32', 2048)
    const needs = { weightBytes: 2.1e9, workBytes: 0, cache }
    const told = { gib: 8, told: true, software: false, bufferBytes: 2 ** 30 }
    const [trial] = roomTrials(needs, told, 'auto')
    const history = Array.from({ length: 60 }, () => ({ question: 'what else?', answer: 'a heart' }))
    const droppedOn = (memory: DeviceMemory): number => {
      const context = budgetFor(needs, memory, 'auto').talk?.context.positions ?? NaN
      const toIds = (kept: readonly EarlierTurn[]): number[] => Array<number>(30 * kept.length + 10).fill(7)
      const promptRoom = (answerTokens: number): number => context - 32 - answerTokens + 1
      return fitDialogue(history, toIds, { answerTokens: 64, promptRoom }).dropped
    }
    expect(droppedOn(told)).toBe(32)
    expect(droppedOn({ ...told, givenBytes: trial?.bytes ?? 0 })).toBe(0)
  })
})

describe('a history that is too long', () => {
  const toIds = (kept: readonly EarlierTurn[]): number[] => Array<number>(10 * kept.length + 5).fill(7)
  /** Room for so many ids in front of an answer of one token, and for one less with each further token. */
  const before = (answerTokens: number, room: number): PromptRoom => ({
    answerTokens,
    promptRoom: (tokens) => room - tokens + 1,
  })

  it('loses its oldest turns, and only as many as it must', () => {
    expect(fitDialogue(turns, toIds, before(1, 25))).toEqual({ ids: toIds(turns), dropped: 0 })
    expect(fitDialogue(turns, toIds, before(1, 24))).toMatchObject({ dropped: 1 })
    expect(fitDialogue(turns, toIds, before(1, 5))).toMatchObject({ dropped: 2 })
  })

  it('loses several at once when it is long, so that the next turn finds its beginning unchanged', () => {
    const many = Array.from({ length: 20 }, (_, i) => ({ question: `${i}?`, answer: 'yes' }))
    expect(fitDialogue(many, toIds, before(1, 200)).dropped).toBe(4)
    expect(fitDialogue(many.slice(0, 19), toIds, before(1, 200)).dropped).toBe(0)
    expect(fitDialogue([...many, ...many.slice(0, 3)], toIds, before(1, 200)).dropped).toBe(4)
  })

  it('of thousands of turns is read at its end only, with the same outcome', () => {
    const words = Array.from({ length: 1000 }, (_, i) => ({ question: `${i}?`, answer: 'x'.repeat(i % 9) }))
    let read = 0
    const counted = (kept: readonly EarlierTurn[]): number[] => {
      read += kept.length
      return kept.flatMap(({ answer }) => Array<number>(1 + answer.length).fill(7))
    }
    for (const room of [0, 1, 9, 500, 30_000]) {
      let plain = 0
      while (counted(words.slice(plain)).length > room) plain = Math.min(plain + 4, words.length)
      read = 0
      const { ids, dropped } = fitDialogue(words, counted, before(1, room))
      expect([dropped, ids.length]).toEqual([plain, counted(words.slice(plain)).length])
      if (room === 500) expect(read).toBeLessThan(10 * (words.length - dropped))
    }
  })

  it('is not given up for a long answer that will hardly come', () => {
    expect(fitDialogue(turns, toIds, before(470, 480))).toEqual({ ids: toIds(turns), dropped: 0 })
    expect(fitDialogue(turns, toIds, before(470, 88))).toMatchObject({ dropped: 0 })
    expect(fitDialogue(turns, toIds, before(470, 87))).toMatchObject({ dropped: 1 })
  })

  it('goes wholly for a question that leaves little room for an answer, which is refused only when it leaves none', () => {
    expect(fitDialogue(turns, toIds, before(470, 20))).toMatchObject({ dropped: 2 })
    // What is refused says with which longest answer it would fit.
    for (const { most, allowed, answerTokens } of [
      { most: before(470, 19), allowed: 4, answerTokens: 15 },
      { most: before(470, 6), allowed: 0, answerTokens: 2 },
      { most: before(1, 4), allowed: 4, answerTokens: 0 },
      { most: before(30, 1), allowed: 0, answerTokens: 0 },
    ])
      expect(() => fitDialogue(turns, toIds, most)).toThrow(
        expect.objectContaining({
          code: 'prompt-too-long',
          details: { tokens: 5, allowed, answerTokens },
        }),
      )
    expect(fitDialogue(turns, toIds, before(2, 6)).ids).toHaveLength(5)
  })
})
