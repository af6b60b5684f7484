/**
 * A matrix times all tokens of a picture, [inputs, columns] → [outputs, columns]. A tile of the matrix is taken apart into
 * workgroup memory once, and each thread adds up four outputs of eight tokens, so that of what it reads each value serves
 * eight or four times. Everything lies by channel, so that nothing has to be turned around on the way. Long inner
 * dimensions are split where there are too few tiles to fill a card; `wide-finish` adds the parts up in order.
 */
import type { Kernel } from '../../gpu/kernel.ts'
import {
  CHUNK,
  floatArray,
  formatName,
  readFloat,
  unpackWord,
  type BlockFormat,
  type FloatType,
} from '../../gpu/weights-format.ts'
import { loadTile, TILE_OUTPUTS } from '../../gpu/weights-tile.ts'
import type { TokenTiles } from './token-tiles.ts'

/** A matrix of floats as it lies in a pack, [inputs, outputs]. */
export interface DenseFormat {
  dense: FloatType
}

export interface WideShape {
  /** Of blocks a multiple of 32. */
  inputs: number
  /** A multiple of 4. */
  outputs: number
  tiles: TokenTiles
  /** Parts of the inner dimension. */
  splits: number
}

/** Blocks of a matrix [outputs, inputs], or floats. */
export type WideFormat = BlockFormat | DenseFormat

/** What matrices of one kernel have in common. */
export function wideFormatName(format: WideFormat): string {
  return 'dense' in format ? format.dense : formatName(format)
}

/** Workgroups that fill a large card: three for each of 132 processors. */
const WIDE_WANTED = 396

/** More parts cost more to add up than they bring. */
const MOST_SPLITS = 8

/** Parts of the inner dimension with which a product fills a card. */
export function wideSplits(inputs: number, outputs: number, tiles: number): number {
  const all = tiles * Math.ceil(outputs / TILE_OUTPUTS)
  return Math.max(1, Math.min(MOST_SPLITS, Math.ceil(inputs / CHUNK), Math.round(WIDE_WANTED / all)))
}

export function wideWorkgroups({ outputs, tiles, splits }: WideShape): [number, number, number] {
  return [Math.ceil(outputs / TILE_OUTPUTS), tiles.tiles, splits]
}

/** The sizes of a matrix as the kernel reads them. */
export function wideSizes({ inputs, outputs, splits }: WideShape): Uint32Array<ArrayBuffer> {
  const chunks = Math.ceil(inputs / CHUNK)
  return Uint32Array.of(inputs, outputs, chunks, Math.ceil(chunks / splits))
}

/**
 * For all matrices of a format, whatever their sizes: those are read at run time, which costs a tile nothing, and few
 * kernels have to be compiled. Bindings: input, matrix (packed and scales, or floats), sizes, partial sums [splits,
 * outputs, columns].
 */
export function wideTileKernel(format: WideFormat, tiles: TokenTiles, packed4x8: boolean): Kernel {
  const groups = tiles.columns / 8
  const threads = (TILE_OUTPUTS / 4) * groups
  const blocks = 'bits' in format
  const sizesAt = blocks ? 3 : 2
  const code = `
const THREADS = ${threads}u;
const GROUPS = ${groups}u;
const TILE_QUADS = ${2 * groups}u;
const QUADS = ${tiles.quads}u;
@group(0) @binding(0) var<storage, read> input: array<vec4f>;
${blocks ? blockBindings(format, packed4x8) : denseBinding(format)}
/** Inputs, outputs, chunks of inputs, and chunks of one part. */
@group(0) @binding(${sizesAt}) var<uniform> sizes: vec4u;
@group(0) @binding(${sizesAt + 1}) var<storage, read_write> partial: array<vec4f>;
var<workgroup> weights: array<vec4f, ${(CHUNK * TILE_OUTPUTS) / 4}>;
var<workgroup> columns: array<vec4f, ${2 * groups * CHUNK}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  let outputs = sizes.y;
  let chunks = sizes.z;
  let firstOutput = workgroup.x * ${TILE_OUTPUTS}u;
  let firstQuad = workgroup.y * TILE_QUADS;
  // Neighbours have neighbouring tokens of the same outputs.
  let group = t % GROUPS;
  let outputQuad = t / GROUPS;
${sums((i, half) => `  var ${half}${i} = vec4f();`)}
  let end = min((workgroup.z + 1u) * sizes.w, chunks);
  for (var chunk = workgroup.z * sizes.w; chunk < end; chunk++) {
${blocks ? loadTile(format, packed4x8, 'outputs') : LOAD_DENSE}
    for (var item = t; item < ${CHUNK}u * TILE_QUADS; item += THREADS) {
      let k = chunk * ${CHUNK}u + item / TILE_QUADS;
      columns[item] = select(vec4f(), input[k * QUADS + firstQuad + item % TILE_QUADS], k < sizes.x);
    }
    workgroupBarrier();
    for (var k = 0u; k < ${CHUNK}u; k++) {
      let w = weights[k * ${TILE_OUTPUTS / 4}u + outputQuad];
      let x = columns[k * TILE_QUADS + group];
      let y = columns[k * TILE_QUADS + GROUPS + group];
${sums((i, half) => `      ${half}${i} += w.${'xyzw'.charAt(i)} * ${half === 'near' ? 'x' : 'y'};`)}
    }
    workgroupBarrier();
  }
  let output = firstOutput + outputQuad * 4u;
  if (output < outputs) {
    let at = (workgroup.z * outputs + output) * QUADS + firstQuad + group;
${sums((i, half) => `    partial[at + ${i}u * QUADS${half === 'near' ? '' : ' + GROUPS'}] = ${half}${i};`)}
  }
}
`
  const matrix = blocks ? (['read', 'read'] as const) : (['read'] as const)
  const label = blocks ? `wide tile, ${format.bits} bits` : `wide tile, ${format.dense}`
  return { label, code, bindings: ['read', ...matrix, 'uniform', 'write'] }
}

/** A line for each of a thread's sums: four outputs of two quads of tokens. */
function sums(line: (output: number, half: 'near' | 'far') => string): string {
  return (['near', 'far'] as const)
    .flatMap((half) => Array.from({ length: 4 }, (_, i) => line(i, half)))
    .join('\n')
}

function denseBinding({ dense }: DenseFormat): string {
  const type = dense === 'float32' ? 'vec4f' : 'vec2u'
  const read =
    dense === 'float32'
      ? 'return matrix[at];'
      : 'let pair = matrix[at]; return vec4f(unpack2x16float(pair.x), unpack2x16float(pair.y));'
  return `@group(0) @binding(1) var<storage, read> matrix: array<${type}>;
fn matrixAt(at: u32) -> vec4f { ${read} }`
}

/** Behind the last input, where inputs do not fill the last chunk, its weights stand once more: what they meet is 0. */
const LOAD_DENSE = `    for (var item = t; item < ${(CHUNK * TILE_OUTPUTS) / 4}u; item += THREADS) {
      let k = min(chunk * ${CHUNK}u + item / ${TILE_OUTPUTS / 4}u, sizes.x - 1u);
      let quad = min(firstOutput / 4u + item % ${TILE_OUTPUTS / 4}u, outputs / 4u - 1u);
      weights[item] = matrixAt(k * (outputs / 4u) + quad);
    }`

function blockBindings(format: BlockFormat, packed4x8: boolean): string {
  return `@group(0) @binding(1) var<storage, read> packed: array<u32>;
@group(0) @binding(2) var<storage, read> scales: ${floatArray(format.scales)};
${readFloat('scaleAt', 'scales', format.scales)}
${unpackWord(format, packed4x8)}`
}
