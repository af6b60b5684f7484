/** Greedy search's choice in each of several rows of scores, for answers that are written together. */
import type { Kernel } from '../../gpu/kernel.ts'
import { bestBy, togetherHead, togetherStart, totalBy, type Together } from '../../gpu/together.ts'

/** Bindings: scores [rows, vocabulary], choices as `choiceOf` reads them. One workgroup a row; `threads` a power of two. */
export function chooseRowsKernel(vocabulary: number, threads: number, by: Together = 'memory'): Kernel {
  const code = `${togetherHead(by)}
@group(0) @binding(0) var<storage, read> scores: array<f32>;
@group(0) @binding(1) var<storage, read_write> choices: array<vec4u>;
var<workgroup> scratch: array<f32, ${threads}>;
${bestBy(by, threads, 'scratch')}
${totalBy(by, threads, 'scratch')}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  ${togetherStart(by)}
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
  let chosen = best(t, mine, place, bad);
  let most = chosen.score;
  var sum = 0.0;
  for (var i = t; i < ${vocabulary}u; i += ${threads}u) { sum += exp(scores[start + i] - most); }
  let all = total(t, sum);
  if (t == 0u) {
    choices[workgroup.x] = vec4u(chosen.place, bitcast<u32>(most), bitcast<u32>(most + log(all)), chosen.fault);
  }
}
`
  return { label: `choose in rows of ${vocabulary}`, code, bindings: ['read', 'write'] }
}
