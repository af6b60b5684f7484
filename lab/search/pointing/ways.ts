/** Ways of making one map over the patches of what there is to know about a word and a picture. */
import { pointingMaps } from '../../../src/runtime/retrieval/pointing.ts'
import type { AttentionMaps } from '../../../src/runtime/retrieval/attention-maps.ts'

export interface Seen {
  /** Attention of the queries without a text. */
  alone: AttentionMaps
  /** With the word. */
  own: AttentionMaps
  /** With each of the words, this one among them. */
  all: readonly AttentionMaps[]
  /** Of this one among them. */
  index: number
  /** Of each query without a text with the word. */
  likeness: readonly number[]
}

type Way = (seen: Seen) => number[]

export const WAYS: Record<string, Way> = {
  'queries alone, mean of all': ({ alone }) => mean(alone),
  'with the word, mean of all': ({ own }) => mean(own),
  'with the word, last layer': ({ own }) => mean(own, lastLayer(own)),
  'with the word, largest of all queries': ({ own }) => largest(own),
  'with less without, mean': ({ own, alone }) => above(mean(own), mean(alone)),
  'with less without, last layer': ({ own, alone }) =>
    above(mean(own, lastLayer(own)), mean(alone, lastLayer(alone))),
  'word less mean of words, mean': ({ own, all }) => above(mean(own), meanOf(all.map((one) => mean(one)))),
  'word less mean of words, last layer': ({ own, all }) =>
    above(mean(own, lastLayer(own)), meanOf(all.map((one) => mean(one, lastLayer(one))))),
  'word less mean of words, by query': ({ own, all }) => byQuery(own, all),
  'best query by likeness, alone': ({ alone, likeness }) => ofQueries(alone, [bestOf(likeness)]),
  'queries weighted by likeness, alone': ({ alone, likeness }) => weighted(alone, likeness),
  // The code that the app runs.
  'as shown': ({ all, alone, index }) => [...(pointingMaps(all, alone)[index] ?? [])],
}

function lastLayer({ layers }: AttentionMaps): { layer: number } {
  return { layer: layers - 1 }
}

/** [patches], over layers (or one), heads and queries (or some). */
function mean(maps: AttentionMaps, only: { layer?: number; queries?: readonly number[] } = {}): number[] {
  const { layers, heads, queries, tokens, byHead } = maps
  const out = Array<number>(tokens - 1).fill(0)
  const chosen = only.queries ?? [...Array(queries).keys()]
  const from = only.layer === undefined ? [...Array(layers).keys()] : [only.layer]
  for (const layer of from)
    for (let head = 0; head < heads; head += 1)
      for (const query of chosen) {
        const start = ((layer * heads + head) * queries + query) * tokens + 1
        for (let i = 0; i < out.length; i += 1)
          out[i] = (out[i] ?? 0) + (byHead[start + i] ?? 0) / (from.length * heads * chosen.length)
      }
  return out
}

function ofQueries(maps: AttentionMaps, queries: readonly number[]): number[] {
  return mean(maps, { queries })
}

function largest(maps: AttentionMaps): number[] {
  const each = [...Array(maps.queries).keys()].map((query) => ofQueries(maps, [query]))
  return (each[0] ?? []).map((_, i) => Math.max(...each.map((map) => map[i] ?? 0)))
}

function byQuery(own: AttentionMaps, all: readonly AttentionMaps[]): number[] {
  const each = [...Array(own.queries).keys()].map((query) =>
    above(ofQueries(own, [query]), meanOf(all.map((one) => ofQueries(one, [query])))),
  )
  return meanOf(each)
}

function weighted(maps: AttentionMaps, likeness: readonly number[]): number[] {
  const most = Math.max(...likeness)
  const weights = likeness.map((value) => Math.exp((value - most) / 0.07))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const each = weights.map((weight, query) =>
    ofQueries(maps, [query]).map((value) => (value * weight) / total),
  )
  return meanOf(each)
}

function bestOf(values: readonly number[]): number {
  return values.indexOf(Math.max(...values))
}

function meanOf(maps: readonly number[][]): number[] {
  return (maps[0] ?? []).map((_, i) => maps.reduce((sum, map) => sum + (map[i] ?? 0), 0) / maps.length)
}

function above(map: readonly number[], beside: readonly number[]): number[] {
  return map.map((value, i) => Math.max(0, value - (beside[i] ?? 0)))
}
