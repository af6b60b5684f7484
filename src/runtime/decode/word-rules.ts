/**
 * What an answer may and must hold, in token ids. Banned sequences are transformers' `bad_words_ids`, the beginning is
 * its `prefix_allowed_tokens_fn` with one token each. Forced words were its `force_words_ids` until version 5 dropped
 * them, so their rule is our own: an answer does not end before it has each of them; where it would end, or has just
 * enough tokens left, the missing ones are written; and beam search keeps beams that are further with them beside
 * likelier ones, as its constrained beam search did.
 */

export interface TokenRules {
  /** Sequences that never occur. One that is nothing but an ending token is passed over, as in transformers. */
  banned: readonly (readonly number[])[]
  /** What the answer begins with. */
  beginning: readonly number[]
  forced: readonly ForcedWord[]
  /** Whether an answer holds what is banned, spelled by tokens that `banned` does not have. */
  spellsBanned?: (tokens: readonly number[]) => boolean
}

export interface ForcedWord {
  /** Ways to write it behind other tokens, none of them empty. */
  spellings: readonly (readonly number[])[]
  /** Further ways that are right at the start of an answer only. */
  atStart: readonly (readonly number[])[]
  isIn(tokens: readonly number[]): boolean
}

/** A word as ids alone: it is there where one of its spellings is. */
export function forcedIds(spellings: readonly (readonly number[])[]): ForcedWord {
  return {
    spellings,
    atStart: [],
    isIn: (tokens) =>
      spellings.some((ids) => tokens.some((_, start) => ids.every((id, i) => tokens[start + i] === id))),
  }
}

/** How far an answer is with its forced words. */
export interface StillToWrite {
  /** Tokens that the missing words take at least; 0 when none is missing. */
  needed: number
  /** The same if what is underway is broken off. */
  afresh: number
  /** Tokens of which each leaves one less to be written. */
  next: readonly number[]
  /** Whether the answer's end is the beginning of a missing word. */
  underway: boolean
}

const NOTHING: StillToWrite = { needed: 0, afresh: 0, next: [], underway: false }

export function stillToWrite(forced: readonly ForcedWord[], tokens: readonly number[]): StillToWrite {
  const missing = forced.filter((word) => !word.isIn(tokens))
  if (missing.length === 0) return NOTHING
  const total = missing.reduce((sum, word) => sum + shortest(word), 0)
  let needed = Infinity
  let next: number[] = []
  let underway = false
  for (const word of missing) {
    for (const { ids, written } of begunSpellings(word, tokens)) {
      const left = total - shortest(word) + ids.length - written
      const following = ids[written]
      if (left > needed || following === undefined) continue
      if (left < needed) {
        next = []
        underway = false
      }
      needed = left
      next.push(following)
      underway ||= written > 0
    }
  }
  return { needed, afresh: total, next, underway }
}

function shortest({ spellings }: ForcedWord): number {
  return Math.min(...spellings.map((ids) => ids.length))
}

/** Each spelling, and how much of it the answer ends with. */
function begunSpellings(
  { spellings, atStart }: ForcedWord,
  tokens: readonly number[],
): { ids: readonly number[]; written: number }[] {
  const fromStart = atStart.filter(
    (ids) => tokens.length < ids.length && tokens.every((id, i) => ids[i] === id),
  )
  return [
    ...spellings.map((ids) => ({ ids, written: overlap(ids, tokens) })),
    ...fromStart.map((ids) => ({ ids, written: tokens.length })),
  ]
}

/** The longest beginning of `ids`, not the whole of it, that `tokens` end with. */
function overlap(ids: readonly number[], tokens: readonly number[]): number {
  for (let length = Math.min(ids.length - 1, tokens.length); length > 0; length -= 1)
    if (ids.slice(0, length).every((id, i) => id === tokens[tokens.length - length + i])) return length
  return 0
}

/** Last tokens of those sequences of which `ids` end with all the rest. */
export function completing(
  sequences: readonly (readonly number[])[],
  ids: readonly number[],
  eosIds: readonly number[],
): number[] {
  return sequences.flatMap((sequence) => {
    const last = sequence.at(-1)
    const before = sequence.length - 1
    if (last === undefined || before > ids.length || (before === 0 && eosIds.includes(last))) return []
    const matches = sequence.every((id, i) => i === before || id === ids[ids.length - before + i])
    return matches ? [last] : []
  })
}

/** Leaves nothing but `ids` to be chosen. */
export function allowOnly(scores: Float32Array, ids: readonly number[]): void {
  const kept = ids.map((id) => [id, scores[id] ?? -Infinity] as const)
  scores.fill(-Infinity)
  for (const [id, score] of kept) scores[id] = score
}
