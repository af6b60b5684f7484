/** Tiles of a quantised matrix, taken apart into workgroup memory once for all rows or tokens that share them. */
import { CHUNK, unitOf, valuesOfWord, type BlockFormat } from './weights-format.ts'

/** Outputs of a tile, for one chunk of inputs. */
export const TILE_OUTPUTS = 64

const QUADS = TILE_OUTPUTS / 4

/** Bytes of workgroup memory that a tile takes, with a chunk of so many rows (or tokens) beside it. */
export function tileBytes(rows: number): number {
  return 4 * CHUNK * (TILE_OUTPUTS + rows)
}

/** How many rows fit beside a tile into so much workgroup memory. */
export function rowsBesideTile(bytes: number): number {
  return Math.floor(bytes / (4 * CHUNK)) - TILE_OUTPUTS
}

/** What neighbouring threads take: words of a row of the matrix, read side by side, or outputs, stored side by side. */
export type TileNeighbours = 'words' | 'outputs'

/**
 * Statements that fill `weights`, a workgroup array [CHUNK, TILE_OUTPUTS / 4] of vec4f: four outputs of a value side by
 * side, at the row of the value. Behind the last output of the matrix it stands once more. They use the thread `t` of
 * THREADS, `firstOutput`, the outputs of the matrix in `sizes.y`, this `chunk` of `chunks` in a row, and `packed`,
 * `scaleAt` and what `unpackWord` declares.
 */
export function loadTile(format: BlockFormat, packed4x8: boolean, neighbours: TileNeighbours): string {
  const words = CHUNK / valuesOfWord(format)
  const perBlock = format.blockSize / CHUNK
  const [word, quad] =
    neighbours === 'words'
      ? [`item % ${words}u`, `item / ${words}u`]
      : [`item / ${QUADS}u`, `item % ${QUADS}u`]
  return `    for (var item = t; item < ${QUADS * words}u; item += THREADS) {
      let word = ${word};
      let quad = ${quad};
${eachOfFour(
  (i) => `      let o${i} = min(firstOutput + quad * 4u + ${i}u, sizes.y - 1u);
      let w${i} = packed[(o${i} * chunks + chunk) * ${words}u + word];
      let s${i} = scaleAt(o${i} * (chunks / ${perBlock}u) + chunk / ${perBlock}u) * ${unitOf(format, packed4x8)};`,
)}
${halves(format)
  .map(({ half, place, of }) => {
    const values = eachOfFour((i) => `      let ${half}${i} = ${half}(w${i}) * s${i};`)
    const stores = Array.from('xyzw', (c, i) => {
      const outputs = [0, 1, 2, 3].map((j) => `${half}${j}.${c}`).join(', ')
      return `      weights[(word * ${of}u + ${place(i)}u) * ${QUADS}u + quad] = vec4f(${outputs});`
    })
    return [values, ...stores].join('\n')
  })
  .join('\n')}
    }`
}

function eachOfFour(line: (i: number) => string): string {
  return Array.from({ length: 4 }, (_, i) => line(i)).join('\n')
}

/** Of 4 bits even values lie low and odd ones high; of 8 bits there is one half. */
function halves({ bits }: BlockFormat): { half: string; place: (i: number) => number; of: number }[] {
  if (bits === 8) return [{ half: 'low', place: (i) => i, of: 4 }]
  return [
    { half: 'low', place: (i) => 2 * i, of: 8 },
    { half: 'high', place: (i) => 2 * i + 1, of: 8 },
  ]
}
