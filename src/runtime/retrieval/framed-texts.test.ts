import { describe, expect, it } from 'vitest'
import type { Tokenizer } from '../talk/tokenizer.ts'
import { FramedTexts } from './framed-texts.ts'

/** A token for each letter, by its place in the alphabet. */
const letters = (frame: Tokenizer['frame']): Tokenizer => ({
  frame,
  encode: (text) => Array.from(text, (letter) => letter.charCodeAt(0) - 96),
  decode: () => '',
})
const BOUNDS = { positions: 5, vocabulary: 30 }
const FRAME = { before: [28], after: [29] }

describe('A text for the Q-Former', () => {
  it('is ids in the frame of its tokenizer, up to the last position', () => {
    expect(new FramedTexts(letters(FRAME), BOUNDS).idsOf('abc')).toEqual([28, 1, 2, 3, 29])
    expect(new FramedTexts(letters(null), BOUNDS).idsOf('abcde')).toEqual([1, 2, 3, 4, 5])
  })

  it.each<[string, string, Tokenizer | null, string]>([
    [
      'is longer than there are positions, of which the frame takes two',
      'abcd',
      letters(FRAME),
      'prompt-too-long',
    ],
    ['is nothing at all', '', letters(null), 'bad-usage'],
    ['has a word that the model does not know', '~', letters(FRAME), 'bad-pack'],
    ['cannot be read, for want of a tokenizer', 'abc', null, 'bad-usage'],
  ])('is refused where it %s', (_, text, tokenizer, code) => {
    expect(() => new FramedTexts(tokenizer, BOUNDS).idsOf(text)).toThrow(expect.objectContaining({ code }))
  })
})
