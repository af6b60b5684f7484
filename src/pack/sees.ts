/** The three masks of stage 1: what each row of the sequence `[queries; text]` sees (the paper's figure 2). */

/**
 * `apart`: queries see queries, text sees text, as for contrast and for either alone. `together`: all see all, as for
 * matching. `causal`: queries see queries, text sees them and what stands before it, as for writing.
 */
export type Sees = 'apart' | 'together' | 'causal'

/** Whether row `from` sees row `to`; the text begins behind `queries` rows. */
export function isSeen(sees: Sees, from: number, to: number, queries: number): boolean {
  const [fromText, toText] = [from >= queries, to >= queries]
  switch (sees) {
    case 'together':
      return true
    case 'apart':
      return fromText === toText
    case 'causal':
      return !toText || (fromText && to <= from)
  }
}
