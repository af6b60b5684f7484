/** How little of a row of logits decoding has to see. */
import type { DecodingSettings } from '../../pack/decoding.ts'
import {
  MOST_BESIDES,
  MOST_TOP,
  type ScoreRow,
  type Sequence,
  type TopWanted,
} from '../language/language-model.ts'
import { repeating, type ScoreContext } from './logits.ts'

/**
 * What is enough of the logits behind `context`: the likeliest, as many as can be chosen, and every id whose score a
 * penalty may change, whatever it is, since only the rest keeps its order. Null where all of them are needed: rules for
 * words may rule out any number, and a draw without top-k may come to any.
 */
export function topWanted(settings: DecodingSettings, context: ScoreContext): TopWanted | null {
  const count = likeliestNeeded(settings, context)
  if (count === null || count > MOST_TOP) return null
  const besides = penalised(settings, context)
  return besides.length > MOST_BESIDES ? null : { count, besides }
}

/** Null where all of one row are needed. */
export function allWanted(rows: readonly (TopWanted | null)[]): TopWanted[] | null {
  const wanted = rows.filter((row) => row !== null)
  return wanted.length === rows.length ? wanted : null
}

/** A step to what is wanted, or to all logits where the model has no less. */
export async function readStep(
  sequence: Sequence,
  token: number,
  wanted: TopWanted | null,
): Promise<ScoreRow> {
  if (wanted !== null && sequence.top !== undefined) return sequence.top.step(token, wanted)
  return { logits: await sequence.step(token), norm: null }
}

/** Candidates that a beam search looks at. */
export function candidatesOf({ beams }: DecodingSettings, eosIds: readonly number[]): number {
  return Math.max(2, 1 + eosIds.length) * beams
}

function likeliestNeeded(settings: DecodingSettings, { eosIds, rules }: ScoreContext): number | null {
  if (rules !== undefined) return null
  if (settings.beams > 1) return candidatesOf(settings, eosIds)
  if (settings.sampling === null) return 1
  return settings.sampling.topK === 0 ? null : settings.sampling.topK
}

/** Ids that `penalise` may change, each once. */
function penalised(
  { repetitionPenalty, noRepeatNgram, minNewTokens }: DecodingSettings,
  { ids, newTokens, eosIds }: ScoreContext,
): number[] {
  const repeated = repetitionPenalty === 1 ? repeating(ids, noRepeatNgram) : ids
  return [...new Set([...repeated, ...(newTokens < minNewTokens ? eosIds : [])])]
}
