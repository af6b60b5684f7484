/** Text of others (names, licences, what servers say) as a terminal or a page may show it. */

/**
 * What does something instead of being seen: control characters (C0, DEL, C1), of which terminals take orders; line ends;
 * characters that turn the direction of what follows (Unicode UAX #9, embeddings, overrides and isolates); invisible
 * copies of letters (tags); halves of characters. Marks that right-to-left scripts need stay.
 */
const ACTING =
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu

/** The text with everything that acts written out, as JSON writes it (`\u001b`): JSON stays the same JSON. */
export function printable(text: string): string {
  return text.replace(ACTING, (found) =>
    Array.from({ length: found.length }, (_, i) => escaped(found.charCodeAt(i))).join(''),
  )
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/** Longest sentence that anybody reads, in characters. */
const LONGEST = 1000
/** Kept of the end of a longer one: what to do stands there. */
const END = 200

/** A sentence about things of others: printable, and of bearable length whatever names it repeats. */
export function sentence(text: string): string {
  const whole = printable(text)
  return whole.length <= LONGEST ? whole : `${whole.slice(0, LONGEST - END)} … ${whole.slice(-END)}`
}
