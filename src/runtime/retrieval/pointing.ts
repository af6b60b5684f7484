/**
 * Where words point: attention of the last layer that looks at the picture, and of it what distinguishes one word from
 * the others. Of the ways that were measured on drawn scenes, where the place of each thing is known, this one falls on
 * what is named most often (`lab/search/pointing.ts`, decision 037). Raw averages look much the same for every word.
 */
import { AppError } from '../../pack/failure.ts'
import { largest } from '../decode/logits.ts'
import { meanOverHeads, type AttentionMaps } from './attention-maps.ts'

/** Patches a side. */
export function gridOf({ tokens }: Pick<AttentionMaps, 'tokens'>): number {
  const grid = Math.round(Math.sqrt(tokens - 1))
  if (grid * grid !== tokens - 1) throw new AppError('bug', 'The patches of this picture make no square.')
  return grid
}

/**
 * For each word a map over the patches, by rows, of which the largest is 1; all 0 where it points nowhere. `words` is
 * attention with each word present, `alone` without any, which a single word is compared with.
 */
export function pointingMaps(
  words: readonly AttentionMaps[],
  alone: AttentionMaps,
): Float32Array<ArrayBuffer>[] {
  const maps = words.map(lastLayer)
  const beside = maps.length === 1 ? lastLayer(alone) : meanOf(maps)
  return maps.map((map) => {
    const above = map.map((value, i) => Math.max(0, value - (beside[i] ?? 0)))
    const most = above.reduce((so, value) => Math.max(so, value), 0)
    return most === 0 ? above : above.map((value) => value / most)
  })
}

/** Where each query of each layer looks, [layers, Q, patches]: the mean over heads, of each row the largest is 1. */
export function patchMaps(maps: AttentionMaps): Float32Array<ArrayBuffer> {
  const { layers, queries, tokens } = maps
  const mean = meanOverHeads(maps)
  const patches = tokens - 1
  const found = new Float32Array(layers * queries * patches)
  for (let row = 0; row < layers * queries; row += 1) {
    // The class token is no patch.
    const own = mean.subarray(row * tokens + 1, (row + 1) * tokens)
    const most = largest(own)
    if (most > 0)
      found.set(
        own.map((value) => value / most),
        row * patches,
      )
  }
  return found
}

/** [patches], the mean over heads and queries; the class token is no patch. */
function lastLayer({ layers, heads, queries, tokens, byHead }: AttentionMaps): Float32Array<ArrayBuffer> {
  const map = new Float32Array(tokens - 1)
  const rows = heads * queries
  for (let row = (layers - 1) * rows; row < layers * rows; row += 1)
    for (let i = 0; i < map.length; i += 1)
      map[i] = (map[i] ?? 0) + (byHead[row * tokens + 1 + i] ?? 0) / rows
  return map
}

function meanOf(maps: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(maps[0]?.length ?? 0)
  for (const map of maps) map.forEach((value, i) => (mean[i] = (mean[i] ?? 0) + value / maps.length))
  return mean
}
