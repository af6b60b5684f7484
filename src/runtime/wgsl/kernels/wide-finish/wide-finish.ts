/**
 * What stands behind `wide-tile`: partial sums added up in order, the bias, and what a layer does next with the result. It
 * lies by channel, [channels, columns]; only keys, values and features lie by token.
 */
import type { Kernel } from '../../gpu/kernel.ts'
import { totalOf } from '../../gpu/reduce.ts'
import type { TokenTiles } from '../wide-tile/token-tiles.ts'

export interface WideFinishShape {
  outputs: number
  tiles: TokenTiles
  into: WideTarget
}

/** Where a finish finds what it needs: parts of the sums, and places in the buffers of floats. */
export interface WideFinishPlaces {
  splits: number
  biasAt: number
  /** Of the norm behind a residual. */
  norm?: { weightAt: number; biasAt: number }
}

export type WideTarget =
  /** x · Φ(x), or CLIP's x · sigmoid(1.702 x). */
  | { kind: 'gelu' | 'quick-gelu' }
  /** A third of the outputs each: queries, times `scale`, by channel; keys and values by token. */
  | { kind: 'qkv'; scale: number }
  /** Added to the stream, and normalised: by channel, or by token as what all of it comes to. */
  | { kind: 'residual' | 'features'; epsilon: number }

export const WIDE_THREADS = 256

/** The places as the kernel reads them. */
export function finishPlaces({ splits, biasAt, norm }: WideFinishPlaces): Uint32Array<ArrayBuffer> {
  return Uint32Array.of(splits, biasAt, norm?.weightAt ?? 0, norm?.biasAt ?? 0)
}

/**
 * For all products of so many outputs with the same target. Bindings: partial sums, biases, places, then for an activation the output; for `qkv` queries, keys and values; behind a residual
 * the stream, the floats of the next norm, and the normalised values.
 */
export function wideFinishKernel(shape: WideFinishShape): Kernel {
  const { outputs, tiles, into } = shape
  const code = `
const OUTPUTS = ${outputs}u;
const QUADS = ${tiles.quads}u;
const THREADS = ${WIDE_THREADS}u;
@group(0) @binding(0) var<storage, read> partial: array<vec4f>;
@group(0) @binding(1) var<storage, read> biases: array<f32>;
/** Parts of the sums, then where the bias begins, and the norm's weight and bias. */
@group(0) @binding(2) var<uniform> places: vec4u;

fn sumOf(channel: u32, quad: u32) -> vec4f {
  var sum = partial[channel * QUADS + quad];
  for (var s = 1u; s < places.x; s++) { sum += partial[(s * OUTPUTS + channel) * QUADS + quad]; }
  return sum + biases[places.y + channel];
}
${bodyOf(shape)}
`
  const own = {
    gelu: ['write'],
    qkv: ['write', 'write', 'write'],
    residual: ['write', 'read', 'write'],
  } as const
  const extra = into.kind === 'qkv' ? own.qkv : 'epsilon' in into ? own.residual : own.gelu
  return {
    label: `wide finish ${outputs} ${into.kind}`,
    code,
    bindings: ['read', 'read', 'uniform', ...extra],
  }
}

export function wideFinishWorkgroups({ outputs, tiles, into }: WideFinishShape): [number, number, number] {
  if ('epsilon' in into) return [tiles.quads, 1, 1]
  const items = (into.kind === 'qkv' ? outputs / 4 : outputs) * tiles.quads
  return [Math.ceil(items / WIDE_THREADS), 1, 1]
}

function bodyOf(shape: WideFinishShape): string {
  const { into } = shape
  switch (into.kind) {
    case 'gelu':
      return activated(
        shape,
        // Abramowitz and Stegun 7.1.26, within 1.5e-7: nothing that float32 could tell apart from the function itself.
        `let z = abs(x) * 0.70710678;
  let s = 1.0 / (1.0 + 0.3275911 * z);
  let rest = ((((1.061405429 * s - 1.453152027) * s + 1.421413741) * s - 0.284496736) * s + 0.254829592) * s * exp(-z * z);
  return 0.5 * x * (1.0 + sign(x) * (1.0 - rest));`,
      )
    case 'quick-gelu':
      return activated(shape, 'return x / (1.0 + exp(-1.702 * x));')
    case 'qkv':
      return queriesKeysValues(shape, into.scale)
    case 'residual':
    case 'features':
      return residual(shape, into)
  }
}

function activated({ outputs, tiles }: WideFinishShape, activation: string): string {
  return `@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
fn activated(x: vec4f) -> vec4f {
  ${activation}
}
@compute @workgroup_size(${WIDE_THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < ${outputs * tiles.quads}u) { output[id.x] = activated(sumOf(id.x / QUADS, id.x % QUADS)); }
}`
}

/** A thread has four channels of four tokens. */
function queriesKeysValues({ outputs, tiles }: WideFinishShape, scale: number): string {
  const each = (line: (i: number, c: string) => string): string =>
    Array.from('xyzw', (c, i) => line(i, c)).join('\n')
  const hidden = outputs / 3
  return `@group(0) @binding(3) var<storage, read_write> queries: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> keys: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> values: array<vec4f>;
@compute @workgroup_size(${WIDE_THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ${(outputs / 4) * tiles.quads}u) { return; }
  let four = id.x / QUADS;
  let quad = id.x % QUADS;
${each((i) => `  let s${i} = sumOf(4u * four + ${i}u, quad);`)}
  let column = four % ${hidden / 4}u;
  if (four < ${hidden / 4}u) {
${each((i) => `    queries[(4u * column + ${i}u) * QUADS + quad] = s${i} * ${scale};`)}
  } else if (four < ${hidden / 2}u) {
${each((i, c) => `    keys[(4u * quad + ${i}u) * ${hidden / 4}u + column] = vec4f(s0.${c}, s1.${c}, s2.${c}, s3.${c});`)}
  } else {
${each((i, c) => `    values[(4u * quad + ${i}u) * ${hidden / 4}u + column] = vec4f(s0.${c}, s1.${c}, s2.${c}, s3.${c});`)}
  }
}`
}

/** A workgroup has four tokens. */
function residual(
  { outputs, tiles }: WideFinishShape,
  { kind, epsilon }: Extract<WideTarget, { epsilon: number }>,
): string {
  const type = kind === 'features' ? 'f32' : 'vec4f'
  return `@group(0) @binding(3) var<storage, read_write> stream: array<vec4f>;
@group(0) @binding(4) var<storage, read> floats: array<f32>;
@group(0) @binding(5) var<storage, read_write> normed: array<${type}>;
var<workgroup> scratch: array<vec4f, ${WIDE_THREADS}>;
${totalOf(WIDE_THREADS, 'scratch')}
@compute @workgroup_size(${WIDE_THREADS})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  let quad = workgroup.x;
  for (var c = t; c < OUTPUTS; c += THREADS) { stream[c * QUADS + quad] += sumOf(c, quad); }
${normalisedColumns(outputs, epsilon, kind === 'features' ? writeByToken(outputs, tiles) : WRITE_BY_CHANNEL)}
}`
}

const WRITE_BY_CHANNEL = 'normed[c * QUADS + quad] = x;'

function writeByToken(outputs: number, { tokens }: TokenTiles): string {
  return Array.from(
    'xyzw',
    (c, i) =>
      `if (4u * quad + ${i}u < ${tokens}u) { normed[(4u * quad + ${i}u) * ${outputs}u + c] = x.${c}; }`,
  ).join('\n    ')
}

/** Statements that normalise the columns of `stream` at `quad`; every thread has channels of its own. */
function normalisedColumns(channels: number, epsilon: number, write: string): string {
  return `  var part = vec4f();
  for (var c = t; c < OUTPUTS; c += THREADS) { part += stream[c * QUADS + quad]; }
  let mean = total(t, part) / ${channels}.0;
  part = vec4f();
  for (var c = t; c < OUTPUTS; c += THREADS) { let x = stream[c * QUADS + quad] - mean; part += x * x; }
  let factor = inverseSqrt(total(t, part) / ${channels}.0 + ${epsilon});
  for (var c = t; c < OUTPUTS; c += THREADS) {
    let x = (stream[c * QUADS + quad] - mean) * factor * floats[places.z + c] + floats[places.w + c];
    ${write}
  }`
}

/** A norm by itself. Bindings: input, floats, places, output, both by channel; a workgroup for each quad of columns. */
export function wideNormKernel(channels: number, tiles: TokenTiles, epsilon: number): Kernel {
  const code = `
const OUTPUTS = ${channels}u;
const QUADS = ${tiles.quads}u;
const THREADS = ${WIDE_THREADS}u;
@group(0) @binding(0) var<storage, read> stream: array<vec4f>;
@group(0) @binding(1) var<storage, read> floats: array<f32>;
@group(0) @binding(2) var<uniform> places: vec4u;
@group(0) @binding(3) var<storage, read_write> normed: array<vec4f>;
var<workgroup> scratch: array<vec4f, ${WIDE_THREADS}>;
${totalOf(WIDE_THREADS, 'scratch')}
@compute @workgroup_size(${WIDE_THREADS})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  let quad = workgroup.x;
${normalisedColumns(channels, epsilon, WRITE_BY_CHANNEL)}
}
`
  return { label: `wide norm ${channels}`, code, bindings: ['read', 'read', 'uniform', 'write'] }
}
