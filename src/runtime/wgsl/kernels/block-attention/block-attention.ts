/**
 * Attention of all tokens over all tokens. A workgroup has a head and a block of queries, goes over blocks of keys, and
 * keeps the largest score and the sum so far, so that scores never leave it (Flash attention). Nothing is masked: every
 * token sees every other.
 */
import type { Kernel } from '../../gpu/kernel.ts'
import type { TokenTiles } from '../wide-tile/token-tiles.ts'

export interface BlockAttentionShape {
  heads: number
  /** A multiple of 4. */
  headSize: number
  tiles: TokenTiles
}

/** Queries and keys of a block, both multiples of 4, and threads, which share out keys for each four queries. */
export interface AttentionBlocks {
  queries: number
  keys: number
  threads: number
}

/** From the largest on; each thread has a whole number of keys. */
const BLOCKS: readonly AttentionBlocks[] = [
  { queries: 32, keys: 32, threads: 64 },
  { queries: 32, keys: 16, threads: 64 },
  { queries: 16, keys: 16, threads: 64 },
  { queries: 8, keys: 16, threads: 32 },
]

/** Bytes of workgroup memory: queries, keys or values, and weights. */
export function blockAttentionBytes(headSize: number, { queries, keys }: AttentionBlocks): number {
  return 4 * (headSize * queries + headSize * keys + queries * keys)
}

/** The largest blocks for a device that has so much workgroup memory; null where none fit. */
export function attentionBlocks(headSize: number, workgroupBytes: number): AttentionBlocks | null {
  return BLOCKS.find((blocks) => blockAttentionBytes(headSize, blocks) <= workgroupBytes) ?? null
}

export function blockAttentionWorkgroups(
  { heads, tiles }: BlockAttentionShape,
  { queries }: AttentionBlocks,
): [number, number, number] {
  return [heads, Math.ceil(tiles.tokens / queries), 1]
}

/** Below every score: its exponential is 0, and differences stay numbers. */
const LEAST = '-1e30'

/** Bindings: queries by channel (scaled), keys and values by token, output by channel. */
export function blockAttentionKernel(
  { heads, headSize, tiles }: BlockAttentionShape,
  { queries, keys, threads }: AttentionBlocks,
): Kernel {
  const groups = threads / (queries / 4)
  const own = list(keys / groups)
  const rounds = list(Math.ceil(headSize / 4 / groups))
  const key = (j: number): string => `(group + ${j * groups}u)`
  const code = `
const TOKENS = ${tiles.tokens}u;
const QUADS = ${tiles.quads}u;
const ROW = ${(heads * headSize) / 4}u;
const HEAD = ${headSize / 4}u;
const THREADS = ${threads}u;
const BLOCK_QUADS = ${queries / 4}u;
const KEYS = ${keys}u;
@group(0) @binding(0) var<storage, read> queries: array<vec4f>;
@group(0) @binding(1) var<storage, read> keys: array<vec4f>;
@group(0) @binding(2) var<storage, read> values: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
var<workgroup> query: array<vec4f, ${(headSize * queries) / 4}>;
// Keys, and behind the scores values.
var<workgroup> block: array<vec4f, ${(keys * headSize) / 4}>;
// Of each key four queries: scores, then weights.
var<workgroup> weights: array<vec4f, ${(keys * queries) / 4}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  let head = workgroup.x;
  let mine = t % BLOCK_QUADS;
  let group = t / BLOCK_QUADS;
  let firstQuad = workgroup.y * BLOCK_QUADS;
  for (var item = t; item < ${headSize}u * BLOCK_QUADS; item += THREADS) {
    let quad = min(firstQuad + item % BLOCK_QUADS, QUADS - 1u);
    query[item] = queries[(head * ${headSize}u + item / BLOCK_QUADS) * QUADS + quad];
  }
  var most = vec4f(${LEAST});
  var sum = vec4f();
${rounds.flatMap((r) => list(4).map((i) => `  var o${r}${i} = vec4f();`)).join('\n')}
  for (var first = 0u; first < TOKENS; first += KEYS) {
    let count = min(KEYS, TOKENS - first);
    for (var item = t; item < KEYS * HEAD; item += THREADS) {
      block[item] = keys[min(first + item / HEAD, TOKENS - 1u) * ROW + head * HEAD + item % HEAD];
    }
    workgroupBarrier();
${own.map((j) => `    var score${j} = vec4f();`).join('\n')}
    for (var i = 0u; i < HEAD; i++) {
${list(4)
  .map((c) => `      let q${c} = query[(4u * i + ${c}u) * BLOCK_QUADS + mine];`)
  .join('\n')}
${own
  .map(
    (j) => `      let k${j} = block[${key(j)} * HEAD + i];
      score${j} += k${j}.x * q0 + k${j}.y * q1 + k${j}.z * q2 + k${j}.w * q3;`,
  )
  .join('\n')}
    }
${own.map((j) => `    weights[${key(j)} * BLOCK_QUADS + mine] = score${j};`).join('\n')}
    workgroupBarrier();
    var next = most;
    for (var k = 0u; k < count; k++) { next = max(next, weights[k * BLOCK_QUADS + mine]); }
    let shrink = exp(most - next);
    most = next;
    workgroupBarrier();
${own.map((j) => `    weights[${key(j)} * BLOCK_QUADS + mine] = exp(min(score${j} - most, vec4f()));`).join('\n')}
    for (var item = t; item < KEYS * HEAD; item += THREADS) {
      block[item] = values[min(first + item / HEAD, TOKENS - 1u) * ROW + head * HEAD + item % HEAD];
    }
    workgroupBarrier();
    sum *= shrink;
${rounds.flatMap((r) => list(4).map((i) => `    o${r}${i} *= shrink;`)).join('\n')}
    for (var k = 0u; k < count; k++) {
      let w = weights[k * BLOCK_QUADS + mine];
      sum += w;
${rounds
  .map(
    (r) => `      let v${r} = block[k * HEAD + min(group + ${r * groups}u, HEAD - 1u)];
${Array.from('xyzw', (c, i) => `      o${r}${i} += v${r}.${c} * w;`).join('\n')}`,
  )
  .join('\n')}
    }
    workgroupBarrier();
  }
  let quad = firstQuad + mine;
  if (quad < QUADS) {
${rounds
  .map(
    (r) => `    if (group + ${r * groups}u < HEAD) {
      let at = (head * ${headSize}u + 4u * (group + ${r * groups}u)) * QUADS + quad;
${list(4)
  .map((i) => `      output[at + ${i}u * QUADS] = o${r}${i} / sum;`)
  .join('\n')}
    }`,
  )
  .join('\n')}
  }
}
`
  return {
    label: `block attention ${heads} x ${headSize}`,
    code,
    bindings: ['read', 'read', 'read', 'write'],
  }
}

function list(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
