/**
 * Puts the parts of long attention together, each weighed by what its scores sum up to: see `attention`. Of a part
 * without keys nothing counts.
 */
import type { Kernel } from '../../gpu/kernel.ts'
import type { AttentionShape } from './attention.ts'

export const COMBINE_THREADS = 64

export type CombineShape = Pick<AttentionShape, 'heads' | 'headSize' | 'splits'>

/** Bindings: what `attention` leaves, [rows, splits, hidden] and the scores of each; output [rows, hidden]. */
export function combineKernel({ heads, headSize, splits }: CombineShape): Kernel {
  const columns = headSize / 4
  const each = Array.from({ length: splits }, (_, s) => s)
  const code = `
@group(0) @binding(0) var<storage, read> shares: array<vec4f>;
@group(0) @binding(1) var<storage, read> parts: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(${COMBINE_THREADS})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  let i = workgroup.x * ${COMBINE_THREADS}u + t;
  if (i >= ${heads * columns}u) { return; }
  let row = workgroup.y;
  let head = i / ${columns}u;
${each.map((s) => `  let part${s} = parts[(row * ${splits}u + ${s}u) * ${heads}u + head];`).join('\n')}
  let best = ${each.slice(1).reduce((most, s) => `max(${most}, part${s}.x)`, 'part0.x')};
  var all = vec4f();
  var total = 0.0;
${each
  .map(
    (s) => `  let weight${s} = part${s}.y * exp(part${s}.x - best);
  total += weight${s};
  all += weight${s} * shares[(row * ${splits}u + ${s}u) * ${heads * columns}u + i];`,
  )
  .join('\n')}
  output[row * ${heads * columns}u + i] = all / total;
}
`
  return { label: `combine ${splits} of ${heads} x ${headSize}`, code, bindings: ['read', 'read', 'write'] }
}

/** Of so many rows. */
export function combineWorkgroups({ heads, headSize }: CombineShape, rows: number): [number, number, number] {
  return [Math.ceil((heads * headSize) / 4 / COMBINE_THREADS), rows, 1]
}
