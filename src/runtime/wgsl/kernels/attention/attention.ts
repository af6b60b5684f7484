/**
 * Attention of each row over its own sequence, as long as that truly is: rows of a prompt look back to their own
 * position, so nothing is masked. A workgroup has one head of one row, or with `splits` one part of its keys, which
 * `combine` puts together.
 */
import type { Kernel } from '../../gpu/kernel.ts'
import { HEADER, stateBinding } from '../../gpu/state.ts'
import { largestBy, togetherHead, togetherStart, totalBy, type Together } from '../../gpu/together.ts'
import { cacheVectors, readVector, type HeadsShape } from './cache.ts'
import { slotOf } from './owners.ts'

export interface AttentionShape extends HeadsShape {
  /** Positions that a sequence may have at most. */
  positions: number
  /** Parts into which keys are cut. */
  splits: number
  /** Positions of rows lie where `owners` says; else each row has its own. */
  owned: boolean
}

/**
 * Bindings: queries [rows, hidden] (scaled), keys, values, run, output [rows, splits, hidden], and of each row, split
 * and head the largest score and Σ e^(score − largest); where they are owned, then the owners. Workgroups: heads × rows × splits. `threads` is a power of two.
 */
export function attentionKernel(shape: AttentionShape, threads: number, by: Together = 'memory'): Kernel {
  const { heads, headSize, cacheHeadSize, cacheType, positions, splits, owned } = shape
  const columns = headSize / 4
  // Threads of the second half: each has four columns of the values of some keys.
  const slices = Math.floor(threads / columns)
  const most = Math.ceil(positions / splits)
  const slot = owned ? 'slotOf(row, first + key)' : 'place.z'
  const address = `((${slot} * ${heads}u + head) * capacity + first + key) * ${cacheHeadSize / 4}u`
  const code = `${togetherHead(by)}
const THREADS = ${threads}u;
const COLUMNS = ${columns}u;
const SLICES = ${slices}u;
@group(0) @binding(0) var<storage, read> queries: array<vec4f>;
@group(0) @binding(1) var<storage, read> keys: ${cacheVectors(cacheType)};
@group(0) @binding(2) var<storage, read> values: ${cacheVectors(cacheType)};
${stateBinding(3)}
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> parts: array<vec2f>;
var<workgroup> query: array<vec4f, ${columns}>;
var<workgroup> scores: array<f32, ${most}>;
var<workgroup> scratch: array<f32, ${threads}>;
var<workgroup> sums: array<vec4f, ${slices * columns}>;
${readVector('keyAt', 'keys', cacheType)}
${readVector('valueAt', 'values', cacheType)}
${owned ? slotOf(6) : ''}
${largestBy(by, threads, 'scratch')}
${totalBy(by, threads, 'scratch')}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  ${togetherStart(by)}
  let head = workgroup.x;
  let row = workgroup.y;
  let place = run[1u + row];
  let length = place.y + 1u;
  let share = (length + ${splits - 1}u) / ${splits}u;
  let first = min(workgroup.z * share, length);
  let count = min(share, length - first);
  let capacity = run[0][${HEADER.capacity}];
  for (var i = t; i < COLUMNS; i += THREADS) { query[i] = queries[(row * ${heads}u + head) * COLUMNS + i]; }
  workgroupBarrier();
  var most = -3.4e38;
  for (var key = t; key < count; key += THREADS) {
    let base = ${address};
    var score = 0.0;
    for (var i = 0u; i < COLUMNS; i++) { score += dot(query[i], keyAt(base + i)); }
    scores[key] = score;
    most = max(most, score);
  }
  let best = largest(t, most);
  var part = 0.0;
  for (var key = t; key < count; key += THREADS) {
    let weight = exp(scores[key] - best);
    scores[key] = weight;
    part += weight;
  }
  let sum = total(t, part);
  let column = t % COLUMNS;
  let slice = t / COLUMNS;
  if (slice < SLICES) {
    var mine = vec4f();
    for (var key = slice; key < count; key += SLICES) {
      let base = ${address};
      mine += scores[key] * valueAt(base + column);
    }
    sums[slice * COLUMNS + column] = mine;
  }
  workgroupBarrier();
  let at = row * ${splits}u + workgroup.z;
  for (var i = t; i < COLUMNS; i += THREADS) {
    var all = vec4f();
    for (var s = 0u; s < SLICES; s++) { all += sums[s * COLUMNS + i]; }
    // Of a part without keys nothing counts, but it must not be 0 / 0.
    output[(at * ${heads}u + head) * COLUMNS + i] = all / max(sum, 1e-37);
  }
  if (t == 0u) { parts[at * ${heads}u + head] = vec2f(best, sum); }
}
`
  return {
    label: `attention ${heads} x ${headSize} in ${splits}${owned ? ', owned' : ''}`,
    code,
    bindings: ['read', 'read', 'read', 'uniform', 'write', 'write', ...(owned ? (['read'] as const) : [])],
  }
}

/** Bytes of workgroup memory that the kernel takes. */
export function attentionBytes({ headSize, positions, splits }: AttentionShape, threads: number): number {
  const columns = headSize / 4
  return (
    16 * columns +
    4 * Math.ceil(positions / splits) +
    4 * threads +
    16 * columns * Math.floor(threads / columns)
  )
}
