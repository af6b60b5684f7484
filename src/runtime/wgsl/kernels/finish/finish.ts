/**
 * What stands behind `tile`: partial sums added up in order, the bias, and what a layer does next with the result. One
 * workgroup has a row where a residual is followed by a norm over all of it; else several share it.
 */
import type { Kernel } from '../../gpu/kernel.ts'
import { HEADER, stateBinding } from '../../gpu/state.ts'
import { togetherHead, togetherStart, totalBy, type Together } from '../../gpu/together.ts'
import { cacheArray, writePair, type HeadsShape } from '../attention/cache.ts'
import { normalisedRow } from '../norm/norm.ts'
import type { NormPlace } from '../product/product.ts'
import { partialRow, splitsFormula, splitting, type SplitShape } from '../tile/tile.ts'

export interface FinishShape extends SplitShape {
  floats: number
  biasAt: number | null
  into: FinishTarget
}

/** As a product's targets; behind a residual the norm of what comes next. */
export type FinishTarget =
  | { kind: 'plain' | 'relu' }
  | { kind: 'residual'; norm: NormPlace }
  | ({ kind: 'qkv' } & HeadsShape)

/**
 * Bindings: partial sums, floats of the layer, run, output [rows, outputs]; for `qkv` then keys and values, for
 * `residual` the floats of the next norm and the normalised rows. Workgroups: see `finishWorkgroups`.
 */
export function finishKernel(shape: FinishShape, threads: number, wish: Together = 'memory'): Kernel {
  const { outputs, floats, biasAt, into } = shape
  // Only a norm adds anything up.
  const by = into.kind === 'residual' ? wish : 'memory'
  const row = partialRow(outputs) / 4
  const { wanted, tiles, most } = splitting(shape)
  const code = `${togetherHead(by)}
const THREADS = ${threads}u;
const SIZE = ${row}u;
@group(0) @binding(0) var<storage, read> partial: array<vec4f>;
@group(0) @binding(1) var<storage, read> biases: array<vec4f, ${floats / 4}>;
${stateBinding(2)}
@group(0) @binding(3) var<storage, read_write> output: array<${into.kind === 'plain' ? 'f32' : 'vec4f'}>;
${bindings(into, floats)}
${into.kind === 'residual' ? `var<workgroup> scratch: array<f32, ${threads}>;\n${totalBy(by, threads, 'scratch')}` : ''}

${splitsFormula({ wanted: `${wanted}u`, tiles: `${tiles}u`, most: `${most}u` })}

fn sumOf(row: u32, i: u32) -> vec4f {
  let count = run[0][${HEADER.rows}];
  let splits = splitsOf(count);
  var sum = partial[row * SIZE + i];
  for (var s = 1u; s < splits; s++) { sum += partial[(s * count + row) * SIZE + i]; }
  return sum${biasAt === null ? '' : ` + biases[${biasAt / 4}u + i]`};
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  ${togetherStart(by)}
  let row = workgroup.x;
  for (var i = workgroup.y * THREADS + t; i < SIZE; i += ${sharers(shape, threads)}u * THREADS) {
    let sum = sumOf(row, i);
    ${write(shape)}
  }
  ${into.kind === 'residual' ? `let start = row * SIZE;\n${normalisedRow({ ...into.norm, size: outputs, floats }, 'output', 'normed')}` : ''}
}
`
  const extra = { plain: [], relu: [], residual: ['read', 'write'], qkv: ['write', 'write'] } as const
  return {
    label: `finish ${outputs} ${into.kind}`,
    code,
    bindings: ['read', 'read', 'uniform', 'write', ...extra[into.kind]],
  }
}

/** Vectors of a row that a thread has at least, where several workgroups share it. */
const VECTORS_EACH = 4

/** Workgroups that share a row. */
function sharers({ outputs, into }: FinishShape, threads: number): number {
  return into.kind === 'residual' ? 1 : Math.ceil(partialRow(outputs) / 4 / (VECTORS_EACH * threads))
}

export function finishWorkgroups(
  shape: FinishShape,
  threads: number,
  rows: number,
): [number, number, number] {
  return [rows, sharers(shape, threads), 1]
}

function bindings(into: FinishTarget, floats: number): string {
  switch (into.kind) {
    case 'plain':
    case 'relu':
      return ''
    case 'residual':
      return `@group(0) @binding(4) var<storage, read> floats: array<vec4f, ${floats / 4}>;
@group(0) @binding(5) var<storage, read_write> normed: array<vec4f>;`
    case 'qkv':
      return `@group(0) @binding(4) var<storage, read_write> keys: ${cacheArray(into.cacheType)};
@group(0) @binding(5) var<storage, read_write> values: ${cacheArray(into.cacheType)};
${writePair('writeKey', 'keys', into.cacheType)}
${writePair('writeValue', 'values', into.cacheType)}`
  }
}

function write({ outputs, into }: FinishShape): string {
  switch (into.kind) {
    case 'plain':
      return `for (var c = 0u; c < 4u && 4u * i + c < ${outputs}u; c++) { output[row * ${outputs}u + 4u * i + c] = sum[c]; }`
    case 'relu':
      return 'output[row * SIZE + i] = max(sum, vec4f());'
    case 'residual':
      return 'output[row * SIZE + i] += sum;'
    case 'qkv':
      return intoCache(into)
  }
}

function intoCache({ heads, headSize, cacheHeadSize, scale }: HeadsShape): string {
  const hidden = (heads * headSize) / 4
  return `let part = i / ${hidden}u;
    let column = i % ${hidden}u;
    if (part == 0u) {
      output[row * ${hidden}u + column] = sum * ${scale};
    } else {
      let place = run[1u + row];
      let at = ((place.z * ${heads}u + column / ${headSize / 4}u) * run[0][${HEADER.capacity}] + place.y) * ${cacheHeadSize}u
        + 4u * (column % ${headSize / 4}u);
      if (part == 1u) { writeKey(at, sum.xy); writeKey(at + 2u, sum.zw); }
      else { writeValue(at, sum.xy); writeValue(at + 2u, sum.zw); }
    }`
}
