/**
 * How a fixed number of tokens, as a picture has, is cut into tiles. Values of pictures lie by channel, [channels,
 * columns]: a column is a token, and tokens are filled up to whole tiles with columns that nobody looks at.
 */
import { rowsBesideTile } from '../../gpu/weights-tile.ts'

export interface TokenTiles {
  tokens: number
  /** Columns of a tile: a multiple of 8. */
  columns: number
  tiles: number
  /** Columns of all tiles, by four, as kernels take them. */
  quads: number
}

/** Beyond that a workgroup would have more threads than every device allows. */
const MOST_COLUMNS = 128

/** The large tiles that leave the fewest columns empty, for a device that has so much workgroup memory. */
export function tokenTiles(tokens: number, workgroupBytes: number): TokenTiles {
  const room = Math.floor(rowsBesideTile(workgroupBytes) / 8) * 8
  const most = Math.min(MOST_COLUMNS, room, Math.ceil(tokens / 8) * 8)
  let best = most
  for (let columns = most; columns >= most / 2; columns -= 8)
    if (filled(tokens, columns) < filled(tokens, best)) best = columns
  return { tokens, columns: best, tiles: Math.ceil(tokens / best), quads: filled(tokens, best) / 4 }
}

function filled(tokens: number, columns: number): number {
  return Math.ceil(tokens / columns) * columns
}
