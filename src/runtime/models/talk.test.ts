import { describe, expect, it } from 'vitest'
import type { LanguageModel } from '../language/language-model.ts'
import type { Tokenizer } from '../talk/tokenizer.ts'
import { Talk, type PromptForm } from './talk.ts'

/** Letters are their own ids; ids are put between 2 and nothing. */
const FORM: PromptForm = { promptIds: (ids) => [2, ...ids], countedIds: (ids) => ids, eosIds: () => [0] }

function talkWith(tokenizer: Partial<Tokenizer> | null): Talk {
  const encode = (text: string): number[] => Array.from(text, (letter) => letter.codePointAt(0) ?? 0)
  const whole = tokenizer && { encode, decode: () => ' said ', frame: null, ...tokenizer }
  return new Talk({
    language: {} as LanguageModel,
    form: FORM,
    tokenizer: whole,
    context: { positions: 100, possible: 100, why: 'model' },
  })
}

describe('the ids of a prompt', () => {
  it.each([
    ['a', [2, 97]],
    ['a ', [2, 97]],
    ['a \n\t\u00a0', [2, 97]],
    [' a', [2, 32, 97]],
    ['', [2]],
    [' \n', [2]],
  ])('%j has no white space at its end', (prompt, ids) => {
    expect(talkWith({}).promptIds(prompt)).toEqual(ids)
  })

  it('stand in the frame of their tokenizer, but for the empty one', () => {
    const talk = talkWith({ frame: { before: [7], after: [8, 9] } })
    expect(talk.promptIds('a')).toEqual([7, 97, 8, 9])
    expect(talk.promptIds('')).toEqual([2])
  })
})

describe('without a tokenizer', () => {
  it('there is no prompt but the empty one, and no text', () => {
    const talk = talkWith(null)
    expect(talk.promptIds(' ')).toEqual([2])
    expect(() => talk.promptIds('a')).toThrow(expect.objectContaining({ code: 'bad-usage' }))
  })
})
