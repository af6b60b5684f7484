/**
 * One row times a quantised matrix: what a step of one token mostly is. Each weight is read once, in 128-bit words;
 * `lanes` threads share a row of the matrix, and a thread has `rowsPerThread` rows, for which it reads the input once.
 */
import type { Kernel } from '../../gpu/kernel.ts'
import { halvings } from '../../gpu/reduce.ts'
import { HEADER, stateBinding } from '../../gpu/state.ts'
import { bestBy, togetherHead, togetherStart, totalBy, type Together } from '../../gpu/together.ts'
import {
  CHUNK,
  floatArray,
  readFloat,
  unitOf,
  unpackWord,
  vectorsOf,
  type BlockFormat,
} from '../../gpu/weights-format.ts'
import { cacheArray, writePair, type HeadsShape } from '../attention/cache.ts'

/** Where a layer's norms and biases lie among its floats, in values; multiples of 4. */
export interface NormPlace {
  weightAt: number
  biasAt: number
  epsilon: number
}

export interface ProductShape {
  inputs: number
  outputs: number
  format: BlockFormat
  /** Values of the buffer that norms and biases lie in. */
  floats: number
  /** The input is normalised first. */
  norm: NormPlace | null
  /** Where the bias lies; null for none. */
  biasAt: number | null
  into: ProductTarget
}

/**
 * What becomes of the results.
 * - `plain`, `relu`: written; `residual`: added to what is there.
 * - `scores`: written, and besides a record for each workgroup: see `choose`.
 * - `qkv`: a third is the query, scaled; keys and values go into the cache at the row's position.
 */
export type ProductTarget =
  | { kind: 'plain' | 'relu' | 'residual' | 'scores' }
  | ({ kind: 'qkv' } & HeadsShape)

export interface ProductTuning {
  /** Of a workgroup; a power of two. */
  threads: number
  /** Threads that share a row of the matrix; a power of two. */
  lanes: number
  rowsPerThread: number
}

export interface ProductOptions extends ProductTuning {
  /** Whether WGSL has `unpack4xI8` here. */
  packed4x8: boolean
  /** How sums of lanes come together; left out: in memory. */
  together?: Together
}

/** Rows of the matrix that a workgroup has. */
export function rowsOfWorkgroup({ threads, lanes, rowsPerThread }: ProductTuning): number {
  return (threads / lanes) * rowsPerThread
}

export function workgroupsOf(shape: ProductShape, tuning: ProductTuning): number {
  return Math.ceil(shape.outputs / rowsOfWorkgroup(tuning))
}

/** Bytes of workgroup memory that the kernel takes. */
export function workgroupBytes({ norm, inputs, into }: ProductShape, tuning: ProductTuning): number {
  const records = into.kind === 'scores' ? 2 * rowsOfWorkgroup(tuning) : 0
  return 4 * (tuning.threads * tuning.rowsPerThread + (norm === null ? 0 : inputs) + records)
}

/**
 * Bindings: input [rows, inputs], floats, packed, scales, run, output; for `qkv` then keys and values, for `scores`
 * the records. Of the input the row whose logits are wanted is taken.
 */
export function productKernel(shape: ProductShape, options: ProductOptions): Kernel {
  const { inputs, outputs, format, norm, into } = shape
  const { threads, lanes, rowsPerThread, together: by = 'memory' } = options
  const rows = rowsOfWorkgroup(options)
  const chunks = inputs / CHUNK
  const each = Array.from({ length: rowsPerThread }, (_, r) => r)
  const code = `${togetherHead(by)}
const INPUTS = ${inputs}u;
const OUTPUTS = ${outputs}u;
const CHUNKS = ${chunks}u;
const THREADS = ${threads}u;
const LANES = ${lanes}u;
const ROWS = ${rows}u;
@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> floats: array<vec4f, ${shape.floats / 4}>;
@group(0) @binding(2) var<storage, read> packed: array<vec4u, ${outputs * chunks * vectorsOf(format)}>;
@group(0) @binding(3) var<storage, read> scales: ${floatArray(format.scales, (outputs * inputs) / format.blockSize)};
${stateBinding(4)}
@group(0) @binding(5) var<storage, read_write> output: array<f32>;
${targetBindings(into)}
var<workgroup> sums: array<f32, ${threads * rowsPerThread}>;
${into.kind === 'scores' ? `${bestBy(by, rows, 'sums')}\n${totalBy(by, rows, 'sums', 'totalOfRows')}` : ''}
${norm === null ? '' : `var<workgroup> normed: array<vec4f, ${inputs / 4}>;`}
${readFloat('scaleAt', 'scales', format.scales)}
${unpackWord(format, options.packed4x8)}
${norm === null ? '' : totalBy(by, threads, 'sums')}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  ${togetherStart(by)}
  ${norm === null ? '' : normalise(norm)}
  let first = ${norm === null ? `run[0][${HEADER.logitRow}] * (INPUTS / 4u)` : '0u'};
  let lane = t % LANES;
  let group = t / LANES;
${each.map((r) => `  let row${r} = min(workgroup.x * ROWS + group * ${rowsPerThread}u + ${r}u, OUTPUTS - 1u);\n  var sum${r} = 0.0;`).join('\n')}
  for (var chunk = lane; chunk < CHUNKS; chunk += LANES) {
${loads(format, norm === null ? 'input' : 'normed')}
${each.map((r) => oneRow(format, r)).join('\n')}
  }
${each.map((r) => `  sum${r} *= ${unitOf(format, options.packed4x8)};`).join('\n')}
${by === 'subgroups' ? sumsAcross(options) : sumsInMemory(options)}
${epilogue(shape)}
}

fn result(workgroup: u32, i: u32) -> f32 {
  let row = workgroup * ROWS + i;
  let at = (i % ${rowsPerThread}u) * THREADS + (i / ${rowsPerThread}u) * LANES;
  ${by === 'subgroups' ? 'var sum = 0.0;\n  for (var part = 0u; part < LANES; part += width) { sum += sums[at + part]; }' : 'let sum = sums[at];'}
  return sum${shape.biasAt === null ? '' : ` + floats[${shape.biasAt / 4}u + row / 4u][row % 4u]`};
}
`
  const extra = { qkv: ['write', 'write'], scores: ['write'] } as const
  const more = into.kind === 'qkv' || into.kind === 'scores' ? extra[into.kind] : []
  return {
    label: `product ${inputs} to ${outputs} ${into.kind}`,
    code,
    bindings: ['read', 'read', 'read', 'read', 'uniform', 'write', ...more],
  }
}

function targetBindings(into: ProductTarget): string {
  if (into.kind === 'qkv') {
    return `@group(0) @binding(6) var<storage, read_write> keys: ${cacheArray(into.cacheType)};
@group(0) @binding(7) var<storage, read_write> values: ${cacheArray(into.cacheType)};
${writePair('writeKey', 'keys', into.cacheType)}
${writePair('writeValue', 'values', into.cacheType)}`
  }
  return into.kind === 'scores' ? '@group(0) @binding(6) var<storage, read_write> records: array<vec4u>;' : ''
}

/** Mean first, then the mean square of what differs from it, as the reference does; one pass for both would lose digits. */
function normalise({ weightAt, biasAt, epsilon }: NormPlace): string {
  return `let start = run[0][${HEADER.logitRow}] * (INPUTS / 4u);
  var part = 0.0;
  for (var i = t; i < INPUTS / 4u; i += THREADS) {
    let x = input[start + i];
    normed[i] = x;
    part += x.x + x.y + x.z + x.w;
  }
  let mean = total(t, part) / f32(INPUTS);
  part = 0.0;
  for (var i = t; i < INPUTS / 4u; i += THREADS) {
    let x = normed[i] - mean;
    part += dot(x, x);
  }
  let factor = inverseSqrt(total(t, part) / f32(INPUTS) + ${epsilon});
  for (var i = t; i < INPUTS / 4u; i += THREADS) {
    normed[i] = (normed[i] - mean) * factor * floats[${weightAt / 4}u + i] + floats[${biasAt / 4}u + i];
  }
  workgroupBarrier();`
}

/** A chunk of the input, in the order in which words come apart. */
function loads({ bits }: BlockFormat, from: string): string {
  const lines = Array.from(
    { length: CHUNK / 4 },
    (_, i) => `    let x${i} = ${from}[first + chunk * 8u + ${i}u];`,
  )
  if (bits === 4) {
    for (let word = 0; word < 4; word += 1) {
      const [a, b] = [`x${2 * word}`, `x${2 * word + 1}`]
      lines.push(
        `    let even${word} = vec4f(${a}.xz, ${b}.xz);\n    let odd${word} = vec4f(${a}.yw, ${b}.yw);`,
      )
    }
  }
  return lines.join('\n')
}

function oneRow(format: BlockFormat, r: number): string {
  const vectors = vectorsOf(format)
  const words = Array.from(
    { length: 4 * vectors },
    (_, i) => `w${r}_${Math.floor(i / 4)}.${'xyzw'.charAt(i % 4)}`,
  )
  const products = words.map((word, i) =>
    format.bits === 4
      ? `dot(low(${word}), even${i}) + dot(high(${word}), odd${i})`
      : `dot(low(${word}), x${i})`,
  )
  const loadsOfRow = Array.from(
    { length: vectors },
    (_, i) => `    let w${r}_${i} = packed[(row${r} * CHUNKS + chunk) * ${vectors}u + ${i}u];`,
  )
  const perBlock = format.blockSize / CHUNK
  const scale = `scaleAt(row${r} * (CHUNKS / ${perBlock}u) + chunk / ${perBlock}u)`
  return `${loadsOfRow.join('\n')}\n    sum${r} += (${products.join(' + ')}) * ${scale};`
}

function epilogue({ into }: ProductShape): string {
  const write = (value: string): string => `  if (t < ROWS && workgroup.x * ROWS + t < OUTPUTS) {
    let row = workgroup.x * ROWS + t;
    ${value}
  }`
  switch (into.kind) {
    case 'plain':
      return write('output[row] = result(workgroup.x, t);')
    case 'relu':
      return write('output[row] = max(result(workgroup.x, t), 0.0);')
    case 'residual':
      return write('output[row] += result(workgroup.x, t);')
    case 'scores':
      return recordScores()
    case 'qkv':
      return intoCache(into)
  }
}

/** Two neighbours at a time: where the cache is of 16 bits they share a word. */
function intoCache({ heads, headSize, cacheHeadSize, scale }: HeadsShape): string {
  const hidden = heads * headSize
  return `  if (2u * t < ROWS && workgroup.x * ROWS + 2u * t < OUTPUTS) {
    let row = workgroup.x * ROWS + 2u * t;
    let pair = vec2f(result(workgroup.x, 2u * t), result(workgroup.x, 2u * t + 1u));
    let part = row / ${hidden}u;
    let column = row % ${hidden}u;
    if (part == 0u) {
      output[column] = pair.x * ${scale};
      output[column + 1u] = pair.y * ${scale};
    } else {
      let place = run[1];
      let at = ((place.z * ${heads}u + column / ${headSize}u) * run[0][${HEADER.capacity}] + place.y) * ${cacheHeadSize}u
        + column % ${headSize}u;
      if (part == 1u) { writeKey(at, pair); } else { writeValue(at, pair); }
    }
  }`
}

/** Of each row the sum of its lanes, at the first of them. */
function sumsInMemory({ threads, lanes, rowsPerThread }: ProductTuning): string {
  const each = Array.from({ length: rowsPerThread }, (_, r) => r)
  return `${each.map((r) => `  sums[${r * threads}u + t] = sum${r};`).join('\n')}
  workgroupBarrier();
${halvings(lanes, (half) => `if (lane < ${half}u) { ${each.map((r) => `sums[${r * threads}u + t] += sums[${r * threads}u + t + ${half}u];`).join(' ')} }`)}`
}

/**
 * Of each row the sum of its lanes, at the first of them; where a subgroup has fewer threads than a row, one for each
 * subgroup. What comes from beyond a subgroup is no value, and is left.
 */
function sumsAcross({ threads, lanes, rowsPerThread }: ProductTuning): string {
  const each = Array.from({ length: rowsPerThread }, (_, r) => r)
  const masks: number[] = []
  for (let mask = lanes / 2; mask >= 1; mask /= 2) masks.push(mask)
  const exchanges = masks.flatMap((mask) =>
    each.map((r) => `  sum${r} += select(0.0, groupAcross(sum${r}, ${mask}u), width > ${mask}u);`),
  )
  return `${exchanges.join('\n')}
  if ((lane & (width - 1u)) == 0u) { ${each.map((r) => `sums[${r * threads}u + t] = sum${r};`).join(' ')} }
  workgroupBarrier();`
}

/** A record: the largest score, the lowest id that has it, Σ e^(score − largest), and whether a score is no number. */
function recordScores(): string {
  return `  // No thread may still read a sum that is overwritten below.
  let mine = workgroup.x * ROWS + t;
  let has = t < ROWS && mine < OUTPUTS;
  var score = -3.4e38;
  if (has) {
    score = result(workgroup.x, t);
    output[mine] = score;
  }
  workgroupBarrier();
  // By its bits: a compiler may take it that there are no other numbers.
  let bad = has && (bitcast<u32>(score) & 0x7f800000u) == 0x7f800000u;
  let most = best(t, score, select(mine, 0xffffffffu, !has), u32(bad));
  let sum = totalOfRows(t, select(0.0, exp(score - most.score), has));
  if (t == 0u) {
    records[workgroup.x] = vec4u(bitcast<u32>(most.score), most.place, bitcast<u32>(sum), most.fault);
  }`
}
