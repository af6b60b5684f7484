import { describe, expect, it } from 'vitest'
import { decodingProblem, GREEDY, hasWord, wordPattern } from './decoding.ts'

describe('a word in a text', () => {
  it.each([
    ['a Red circle', 'red', true],
    ['a reddish circle', 'red', false],
    ['a fire  truck.', 'fire truck', true],
    ['a fire engine', 'fire truck', false],
    ['two (2) cats', '2', true],
    ['über', 'ber', false],
    ['a b, c', ',', true],
    ['what?', '?', true],
    ['C++ code', 'c++', true],
  ])('%j, %j: %s', (text, word, there) => {
    expect(hasWord(text, word)).toBe(there)
  })

  it('is found by one pattern in any number of texts', () => {
    const pattern = wordPattern('red')
    expect(['a red one', 'a red one', 'blue', 'Red'].map((text) => pattern.test(text))).toEqual([
      true,
      true,
      false,
      true,
    ])
  })
})

describe('rules about words', () => {
  const problem = (words: { begin?: string; ban?: string[]; force?: string[] }): string | null =>
    decodingProblem({ ...GREEDY, words: { begin: '', ban: [], force: [], ...words } })

  it('are sound where they can be kept', () => {
    expect(problem({ begin: 'a red', ban: ['circle'], force: ['circle|square', 'blue'] })).toBeNull()
  })

  it.each([
    [{ begin: 'a red one', ban: ['RED'] }, 'cannot begin with "a red one" and be without "RED"'],
    [{ force: ['red circle'], ban: ['circle'] }, '"red circle" cannot both'],
    [{ force: [' | '] }, 'is empty'],
    [{ ban: [' '] }, 'is empty'],
  ])('%j contradict themselves', (words, why) => {
    expect(problem(words)).toContain(why)
  })
})
