/** How long a caption is: in characters as people count them, in words, and in tokens of CLIP. */

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const words = new Intl.Segmenter(undefined, { granularity: 'word' })

/** What can be counted of a text; tokens are an estimate, see `clipTokens`. */
export const COUNTS = {
  characters: (text: string): number => [...graphemes.segment(text)].length,
  words: (text: string): number => [...words.segment(text)].filter(({ isWordLike }) => isWordLike).length,
  clipTokens,
}

/** Of a word up to so many letters CLIP's vocabulary mostly has the whole; longer ones fall into pieces of about so many. */
const LETTERS_PER_PIECE = 9

/**
 * About how many tokens CLIP makes of a text, the two around it included. Its vocabulary of 49,408 pieces is not part of
 * this program (1.3 MB for a number on the screen), so words are counted as CLIP cuts them (runs of letters, single
 * digits, runs of signs), long ones as several. How far off that is was not measured: it is to be called an estimate
 * where it is shown.
 */
export function clipTokens(text: string): number {
  const pieces = text.toLowerCase().match(/'(?:s|t|re|ve|m|ll|d)|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu) ?? []
  const tokens = pieces.map((piece) =>
    /^[a-z]+$/.test(piece)
      ? Math.ceil(piece.length / LETTERS_PER_PIECE)
      : /^\p{L}/u.test(piece)
        ? new TextEncoder().encode(piece).length / 2
        : 1,
  )
  return 2 + Math.ceil(tokens.reduce((sum, count) => sum + count, 0))
}
