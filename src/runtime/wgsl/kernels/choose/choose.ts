/**
 * Greedy search's choice, out of the records that the head's product leaves: the largest score, the lowest id among
 * equals, and log Σ e^score. It makes the state of the next step, so that a chain of steps needs no host between them.
 */
import type { Choice } from '../../../language/language-model.ts'
import type { Kernel } from '../../gpu/kernel.ts'
import { HEADER, STATE_BYTES } from '../../gpu/state.ts'
import { bestBy, togetherHead, togetherStart, totalBy, type Together } from '../../gpu/together.ts'

/** What is read back of a choice: id, largest score, log Σ e^score, and whether a score was no number. */
export const CHOICE_BYTES = 16

/** Null when a score is no number. */
export function choiceOf(words: Uint32Array<ArrayBuffer>): Choice | null {
  const [token = 0, , , bad = 1] = words
  const [, score = NaN, norm = NaN] = new Float32Array(words.buffer, words.byteOffset, 4)
  return bad === 0 ? { token, logProbability: score - norm } : null
}

/** Bindings: records, run (written), choice. One workgroup. */
export function chooseKernel(records: number, threads: number, by: Together = 'memory'): Kernel {
  const code = `${togetherHead(by)}
@group(0) @binding(0) var<storage, read> records: array<vec4u, ${records}>;
@group(0) @binding(1) var<storage, read_write> run: array<vec4u, ${STATE_BYTES / 16}>;
@group(0) @binding(2) var<storage, read_write> choice: array<vec4u, 1>;
var<workgroup> scores: array<f32, ${threads}>;
${bestBy(by, threads, 'scores')}
${totalBy(by, threads, 'scores')}

@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) t: u32) {
  ${togetherStart(by)}
  var most = -3.4e38;
  var place = 0xffffffffu;
  var bad = 0u;
  for (var i = t; i < ${records}u; i += ${threads}u) {
    let record = records[i];
    let score = bitcast<f32>(record.x);
    if (score > most || (score == most && record.y < place)) { most = score; place = record.y; }
    bad |= record.w;
  }
  let chosen = best(t, most, place, bad);
  var sum = 0.0;
  for (var i = t; i < ${records}u; i += ${threads}u) {
    let record = records[i];
    sum += bitcast<f32>(record.z) * exp(bitcast<f32>(record.x) - chosen.score);
  }
  let all = total(t, sum);
  if (t == 0u) {
    let before = run[1u + run[0][${HEADER.logitRow}]];
    choice[0] = vec4u(chosen.place, bitcast<u32>(chosen.score), bitcast<u32>(chosen.score + log(all)), chosen.fault);
    run[0] = vec4u(1u, run[0][${HEADER.capacity}], 0u, 0u);
    run[1] = vec4u(chosen.place, before.y + 1u, before.z, 0u);
  }
}
`
  return { label: `choose of ${records}`, code, bindings: ['read', 'write', 'write'] }
}
