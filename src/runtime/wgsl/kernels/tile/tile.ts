/**
 * Several rows times a quantised matrix: prompts, and answers side by side. A tile of the matrix is taken apart once
 * into workgroup memory and serves all rows of the tile. Long inner dimensions are split, since a prompt has too few
 * tiles to fill a card; the partial sums are added up by `finish`, always in the same order. The sizes of the matrix are
 * read at run time, which costs a tile nothing: all matrices of a format share a kernel, and few have to be compiled.
 */
import type { Kernel } from '../../gpu/kernel.ts'
import { HEADER, stateBinding } from '../../gpu/state.ts'
import { CHUNK, floatArray, readFloat, unpackWord, type BlockFormat } from '../../gpu/weights-format.ts'
import { loadTile, TILE_OUTPUTS } from '../../gpu/weights-tile.ts'

export interface TileShape {
  inputs: number
  outputs: number
  format: BlockFormat
  /** Workgroups that fill a card: with fewer the inner dimension is cut into as many parts as that takes. */
  wanted: number
}

export interface TileOptions {
  /** Rows of a tile: 8, 16 or 32. */
  rows: number
  packed4x8: boolean
}

/** Values of a row of partial sums: outputs, filled up to four. */
export function partialRow(outputs: number): number {
  return Math.ceil(outputs / 4) * 4
}

/** What parts are counted by. */
export type SplitShape = Pick<TileShape, 'inputs' | 'outputs' | 'wanted'>

/** More parts of the inner dimension cost more to add up than they bring. */
const MOST_SPLITS = 16

/** Rows of the largest tiles: fewer take one tile, whatever its size. */
const LARGE_TILE = 32

/** Parts of the inner dimension for so many rows. `splitsFormula` is the same in WGSL. */
export function splitsOf(shape: SplitShape, rows: number): number {
  const { wanted, tiles, most } = splitting(shape)
  const all = tiles * Math.ceil(rows / LARGE_TILE)
  // Rounded to the nearest.
  return Math.min(most, Math.max(1, Math.floor((wanted + all / 2) / all)))
}

/**
 * `fn splitsOf(rows) -> u32`. What it goes by is WGSL as well: numbers of `splitting`, or where a kernel reads them.
 */
export function splitsFormula({ wanted, tiles, most }: Record<keyof Splitting, string>): string {
  return `fn splitsOf(rows: u32) -> u32 {
  let all = ${tiles} * ((rows + ${LARGE_TILE - 1}u) / ${LARGE_TILE}u);
  return clamp((2u * ${wanted} + all) / (2u * all), 1u, ${most});
}`
}

/** The sizes of a matrix as a kernel reads them: chunks of a row, outputs, workgroups wanted. */
export function tileSizes({ inputs, outputs, wanted }: SplitShape): Uint32Array<ArrayBuffer> {
  return Uint32Array.of(inputs / CHUNK, outputs, wanted, 0)
}

/** Of a kernel that reads `tileSizes`. */
const SPLITTING_READ = {
  wanted: 'sizes.z',
  tiles: `((sizes.y + ${TILE_OUTPUTS - 1}u) / ${TILE_OUTPUTS}u)`,
  most: `min(${MOST_SPLITS}u, sizes.x)`,
}

interface Splitting {
  wanted: number
  /** Tiles side by side. */
  tiles: number
  /** Parts at most. */
  most: number
}

export function splitting({ inputs, outputs, wanted }: SplitShape): Splitting {
  const tiles = Math.ceil(outputs / TILE_OUTPUTS)
  return { wanted, tiles, most: Math.min(MOST_SPLITS, inputs / CHUNK) }
}

/** For `rows` rows. */
export function tileWorkgroups(shape: TileShape, tileRows: number, rows: number): [number, number, number] {
  return [Math.ceil(shape.outputs / TILE_OUTPUTS), Math.ceil(rows / tileRows), splitsOf(shape, rows)]
}

/**
 * Bindings: input [rows, inputs], packed, scales, run, sizes of the matrix, partial sums [splits, rows, outputs filled up
 * to four].
 */
export function tileKernel(format: BlockFormat, options: TileOptions): Kernel {
  const quads = options.rows / 4
  const threads = (TILE_OUTPUTS / 4) * quads
  const code = `
const THREADS = ${threads}u;
const QUADS = ${quads}u;
@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> packed: array<u32>;
@group(0) @binding(2) var<storage, read> scales: ${floatArray(format.scales)};
${stateBinding(3)}
// What tileSizes says.
@group(0) @binding(4) var<uniform> sizes: vec4u;
@group(0) @binding(5) var<storage, read_write> partial: array<vec4f>;
var<workgroup> weights: array<vec4f, ${CHUNK * (TILE_OUTPUTS / 4)}>;
var<workgroup> rows: array<vec4f, ${CHUNK * quads}>;
${readFloat('scaleAt', 'scales', format.scales)}
${unpackWord(format, options.packed4x8)}
${splitsFormula(SPLITTING_READ)}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  let count = run[0][${HEADER.rows}];
  let firstRow = workgroup.y * ${options.rows}u;
  let firstOutput = workgroup.x * ${TILE_OUTPUTS}u;
  let outputQuad = t % ${TILE_OUTPUTS / 4}u;
  let rowQuad = t / ${TILE_OUTPUTS / 4}u;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  let chunks = sizes.x;
  let splits = splitsOf(count);
  let share = (chunks + splits - 1u) / splits;
  let end = min((workgroup.z + 1u) * share, chunks);
  for (var chunk = workgroup.z * share; chunk < end; chunk++) {
${loadTile(format, options.packed4x8, 'words')}
    for (var item = t; item < ${8 * quads}u; item += THREADS) {
      let k = item % 8u;
      let quad = item / 8u;
      let at = chunk * 8u + k;
${Array.from({ length: 4 }, (_, i) => `      let x${i} = input[min(firstRow + quad * 4u + ${i}u, count - 1u) * (chunks * 8u) + at];`).join('\n')}
${Array.from('xyzw', (c, i) => `      rows[(k * 4u + ${i}u) * QUADS + quad] = vec4f(x0.${c}, x1.${c}, x2.${c}, x3.${c});`).join('\n')}
    }
    workgroupBarrier();
    for (var k = 0u; k < ${CHUNK}u; k++) {
      let w = weights[k * ${TILE_OUTPUTS / 4}u + outputQuad];
      let x = rows[k * QUADS + rowQuad];
      sum0 += w * x.x;
      sum1 += w * x.y;
      sum2 += w * x.z;
      sum3 += w * x.w;
    }
    workgroupBarrier();
  }
  let output = firstOutput / 4u + outputQuad;
  let size = (sizes.y + 3u) / 4u;
  if (output < size) {
    let row = firstRow + rowQuad * 4u;
    let at = (workgroup.z * count + row) * size + output;
${Array.from({ length: 4 }, (_, i) => `    if (row + ${i}u < count) { partial[at + ${i}u * size] = sum${i}; }`).join('\n')}
  }
}
`
  return {
    label: `tile of ${options.rows} rows, ${format.bits} bits`,
    code,
    bindings: ['read', 'read', 'read', 'uniform', 'uniform', 'write'],
  }
}
