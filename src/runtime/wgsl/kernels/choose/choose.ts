/**
 * Greedy search's choice, out of the records that the head's product leaves: the largest score, the lowest id among
 * equals, and log Σ e^score. It makes the state of the next step, so that a chain of steps needs no host between them.
 */
import type { Choice } from '../../../language/language-model.ts'
import type { Kernel } from '../../gpu/kernel.ts'
import { bestHalvings, halvings } from '../../gpu/reduce.ts'
import { HEADER, STATE_BYTES } from '../../gpu/state.ts'

/** What is read back of a choice: id, largest score, log Σ e^score, and whether a score was no number. */
export const CHOICE_BYTES = 16

/** Null when a score is no number. */
export function choiceOf(words: Uint32Array<ArrayBuffer>): Choice | null {
  const [token = 0, , , bad = 1] = words
  const [, score = NaN, norm = NaN] = new Float32Array(words.buffer, words.byteOffset, 4)
  return bad === 0 ? { token, logProbability: score - norm } : null
}

/** Bindings: records, run (written), choice. One workgroup. */
export function chooseKernel(records: number, threads: number): Kernel {
  const code = `
@group(0) @binding(0) var<storage, read> records: array<vec4u, ${records}>;
@group(0) @binding(1) var<storage, read_write> run: array<vec4u, ${STATE_BYTES / 16}>;
@group(0) @binding(2) var<storage, read_write> choice: array<vec4u, 1>;
var<workgroup> scores: array<f32, ${threads}>;
var<workgroup> places: array<u32, ${threads}>;
var<workgroup> faults: array<u32, ${threads}>;

@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) t: u32) {
  var best = -3.4e38;
  var place = 0xffffffffu;
  var bad = 0u;
  for (var i = t; i < ${records}u; i += ${threads}u) {
    let record = records[i];
    let score = bitcast<f32>(record.x);
    if (score > best || (score == best && record.y < place)) { best = score; place = record.y; }
    bad |= record.w;
  }
  scores[t] = best;
  places[t] = place;
  faults[t] = bad;
  workgroupBarrier();
${bestHalvings(threads, 'scores')}
  let most = scores[0];
  workgroupBarrier();
  var sum = 0.0;
  for (var i = t; i < ${records}u; i += ${threads}u) {
    let record = records[i];
    sum += bitcast<f32>(record.z) * exp(bitcast<f32>(record.x) - most);
  }
  scores[t] = sum;
  workgroupBarrier();
${halvings(threads, (half) => `if (t < ${half}u) { scores[t] += scores[t + ${half}u]; }`)}
  if (t == 0u) {
    let before = run[1u + run[0][${HEADER.logitRow}]];
    choice[0] = vec4u(places[0], bitcast<u32>(most), bitcast<u32>(most + log(scores[0])), faults[0]);
    run[0] = vec4u(1u, run[0][${HEADER.capacity}], 0u, 0u);
    run[1] = vec4u(places[0], before.y + 1u, before.z, 0u);
  }
}
`
  return { label: `choose of ${records}`, code, bindings: ['read', 'write', 'write'] }
}
