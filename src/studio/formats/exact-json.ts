/**
 * JSON whose numbers stay as somebody wrote them. Tables of others hold numbers that JavaScript has not (ids of 64 bits)
 * or writes otherwise (`1.0`), and what is not ours is given back as it was.
 */

const NUMBER = '-?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?'
/** Numbers, and texts so that those in them are none. */
const TOKENS = new RegExp(`"(?:[^"\\\\]|\\\\.)*"|${NUMBER}`, 'g')
/** Before a number that is held as text: no text begins like this by itself. */
const MARK = '\u0000number '
const MARKED = new RegExp(`"\\\\u0000number (${NUMBER})"`, 'g')

/** Numbers that JavaScript would write otherwise are texts, which `exactJson` makes numbers again. Throws `SyntaxError`. */
export function parseExactJson(text: string): unknown {
  const value = JSON.parse(text) as unknown
  const marked = text.replace(TOKENS, (token) =>
    token.startsWith('"') || String(Number(token)) === token ? token : JSON.stringify(MARK + token),
  )
  return marked === text ? value : (JSON.parse(marked) as unknown)
}

/** `indent` spaces a level; without it in one line. */
export function exactJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(MARKED, '$1')
}
