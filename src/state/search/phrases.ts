/** What a text names, one after the other: words that point at something are looked for together, what joins them is not. */

/** English, as the texts are that the models read. */
const JOINING =
  /\b(?:and|or|with|without|of|to|in|on|at|by|from|inside|behind|under|over|above|below|near|next|beside|between|there|is|are|no|left|right|front|picture|photo|drawing|image)\b|[,.;:!?]/gi

/** At most so many: each is a run of the model. */
const MOST = 8

/** "a red heart to the left of a cat" → "a red heart", "a cat". Articles stay with what they stand before. */
export function phrasesOf(text: string): string[] {
  const phrases = text
    .split(JOINING)
    .map((phrase) => phrase.trim().replaceAll(/\s+/g, ' '))
    .filter((phrase) => phrase !== '' && !/^(?:a|an|the)$/i.test(phrase))
  return [...new Set(phrases)].slice(0, MOST)
}
