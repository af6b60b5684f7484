/** Greedy search's choice in each of several rows of scores, for answers that are written together. */
import type { Kernel } from '../../gpu/kernel.ts'
import { bestHalvings, halvings } from '../../gpu/reduce.ts'

/** Bindings: scores [rows, vocabulary], choices as `choiceOf` reads them. One workgroup a row; `threads` a power of two. */
export function chooseRowsKernel(vocabulary: number, threads: number): Kernel {
  const code = `
@group(0) @binding(0) var<storage, read> scores: array<f32>;
@group(0) @binding(1) var<storage, read_write> choices: array<vec4u>;
var<workgroup> best: array<f32, ${threads}>;
var<workgroup> places: array<u32, ${threads}>;
var<workgroup> faults: array<u32, ${threads}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  let start = workgroup.x * ${vocabulary}u;
  var mine = -3.4e38;
  var place = 0xffffffffu;
  var bad = 0u;
  for (var i = t; i < ${vocabulary}u; i += ${threads}u) {
    let score = scores[start + i];
    // A thread sees its ids in order, so the first of equals stays.
    if (score > mine) { mine = score; place = i; }
    // By its bits: a compiler may take it that there are no other numbers.
    if ((bitcast<u32>(score) & 0x7f800000u) == 0x7f800000u) { bad = 1u; }
  }
  best[t] = mine;
  places[t] = place;
  faults[t] = bad;
  workgroupBarrier();
${bestHalvings(threads, 'best')}
  let most = best[0];
  workgroupBarrier();
  var sum = 0.0;
  for (var i = t; i < ${vocabulary}u; i += ${threads}u) { sum += exp(scores[start + i] - most); }
  best[t] = sum;
  workgroupBarrier();
${halvings(threads, (half) => `if (t < ${half}u) { best[t] += best[t + ${half}u]; }`)}
  if (t == 0u) {
    choices[workgroup.x] = vec4u(places[0], bitcast<u32>(most), bitcast<u32>(most + log(best[0])), faults[0]);
  }
}
`
  return { label: `choose in rows of ${vocabulary}`, code, bindings: ['read', 'write'] }
}
