/**
 * The likeliest tokens of rows of logits, besides some that are asked for by name, and the sum that makes
 * log-probabilities of them: all that beams, samples and penalties need of a row, so that the rest stays on the device.
 * Two kernels: each part of a row by itself, then the parts of a row together.
 */
import { MOST_BESIDES, MOST_TOP, type TopRow, type TopWanted } from '../../../language/language-model.ts'
import type { Kernel } from '../../gpu/kernel.ts'

/** Threads of a workgroup, a power of two, and parts of a row at most: the second kernel has a thread for each. */
const THREADS = 64
const MOST_PARTS = 64
const PART_VALUES = 1024

/** What no logit is below; ids of places that have none. */
const NONE = '-3.4e38'
const NO_ID = 0xffffffff

/** Words in front of the lists of ids by name, and in front of what is found in a row. */
const WANTED_HEADER = 2
const FOUND_HEADER = 4

export interface TopShape {
  vocabulary: number
}

/** Parts into which a row is cut. */
export function topParts({ vocabulary }: TopShape): number {
  return Math.min(MOST_PARTS, Math.ceil(vocabulary / PART_VALUES))
}

/** Bytes of buffers for so many rows. */
export function topBytes(
  shape: TopShape,
  rows: number,
): Record<'wanted' | 'parts' | 'records' | 'found', number> {
  const parts = rows * topParts(shape)
  return {
    wanted: 4 * (WANTED_HEADER + rows * (1 + MOST_BESIDES)),
    parts: 8 * MOST_TOP * parts,
    records: 16 * parts,
    found: 4 * rows * (FOUND_HEADER + 2 * MOST_TOP + MOST_BESIDES),
  }
}

/** As kernels read it: how many of each row, how many ids a list has at most; then a list for each row, its length first. */
export function topWords(wanted: readonly TopWanted[]): Uint32Array<ArrayBuffer> {
  const [count, most] = sizesOf(wanted)
  const words = new Uint32Array(WANTED_HEADER + wanted.length * (1 + most))
  words.set([count, most])
  wanted.forEach(({ besides }, row) =>
    words.set([besides.length, ...besides], WANTED_HEADER + row * (1 + most)),
  )
  return words
}

/** Bytes of what is found in all rows. */
export function foundBytes(wanted: readonly TopWanted[]): number {
  const [count, most] = sizesOf(wanted)
  return 4 * wanted.length * (FOUND_HEADER + 2 * count + most)
}

/** What was found in each row; null where it has no numbers. */
export function foundRows(words: Uint32Array<ArrayBuffer>, wanted: readonly TopWanted[]): (TopRow | null)[] {
  const [count, most] = sizesOf(wanted)
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length)
  return wanted.map(({ count: own, besides }, row) => {
    const at = row * (FOUND_HEADER + 2 * count + most)
    const [largest = NaN, sum = NaN] = floats.subarray(at, at + 2)
    if (words[at + 2] !== 0) return null
    const ids = words.subarray(at + FOUND_HEADER, at + FOUND_HEADER + own)
    const logits = floats.subarray(at + FOUND_HEADER + count, at + FOUND_HEADER + count + own)
    const named = floats.subarray(at + FOUND_HEADER + 2 * count).subarray(0, besides.length)
    const found = new Map<number, number>()
    ids.forEach((id, i) => {
      if (id !== NO_ID) found.set(id, logits[i] ?? NaN)
    })
    besides.forEach((id, i) => found.set(id, named[i] ?? NaN))
    return { found, norm: largest + Math.log(sum) }
  })
}

function sizesOf(wanted: readonly TopWanted[]): [count: number, besides: number] {
  const count = Math.max(...wanted.map((row) => row.count))
  const besides = Math.max(...wanted.map((row) => row.besides.length))
  if (count > MOST_TOP || besides > MOST_BESIDES)
    throw new Error('More of a row is wanted than its kernels find.')
  return [count, besides]
}

/**
 * What a workgroup finds out together, by halving, as in `reduce`; in loops, since what compiles barriers one by one
 * takes long over them.
 */
const TOGETHER = `
var<workgroup> scores: array<f32, ${THREADS}>;
var<workgroup> places: array<u32, ${THREADS}>;
var<workgroup> faults: array<u32, ${THREADS}>;

/** The largest score comes to the front with its place, the lowest among equals, and whether there is any fault. */
fn findBest(t: u32) {
  for (var half = ${THREADS / 2}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (t < half) {
      let other = scores[t + half];
      if (other > scores[t] || (other == scores[t] && places[t + half] < places[t])) {
        scores[t] = other;
        places[t] = places[t + half];
      }
      faults[t] |= faults[t + half];
    }
  }
  workgroupBarrier();
}

fn addUp(t: u32) {
  for (var half = ${THREADS / 2}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (t < half) { scores[t] += scores[t + half]; }
  }
  workgroupBarrier();
}
`

/**
 * Bindings: logits [rows, vocabulary], wanted, parts, records, found. Workgroups: parts × rows. Of each part the
 * likeliest in falling order, and a record: largest logit, Σ e^(logit − largest), whether one is no number.
 */
export function topPartsKernel(shape: TopShape): Kernel {
  const { vocabulary } = shape
  const parts = topParts(shape)
  const size = Math.ceil(vocabulary / parts)
  const code = `
const NO_ID = ${NO_ID}u;
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> wanted: array<u32>;
@group(0) @binding(2) var<storage, read_write> parts: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> records: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> found: array<u32>;
var<workgroup> values: array<f32, ${size}>;
${TOGETHER}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  let row = workgroup.y;
  let part = row * ${parts}u + workgroup.x;
  let first = workgroup.x * ${size}u;
  let size = min(${size}u, ${vocabulary}u - min(first, ${vocabulary}u));
  let count = wanted[0];
  let most = wanted[1];
  var best = ${NONE};
  var bad = 0u;
  for (var i = t; i < size; i += ${THREADS}u) {
    let logit = logits[row * ${vocabulary}u + first + i];
    values[i] = logit;
    best = max(best, logit);
    // By its bits: a compiler may take it that there are no other numbers.
    bad |= u32((bitcast<u32>(logit) & 0x7f800000u) == 0x7f800000u);
  }
  scores[t] = best;
  places[t] = t;
  faults[t] = bad;
  findBest(t);
  let largest = scores[0];
  let fault = faults[0];
  workgroupBarrier();
  var sum = 0.0;
  for (var i = t; i < size; i += ${THREADS}u) { sum += exp(values[i] - largest); }
  scores[t] = sum;
  addUp(t);
  if (t == 0u) { records[part] = vec4u(bitcast<u32>(largest), bitcast<u32>(scores[0]), fault, 0u); }
  let list = ${WANTED_HEADER}u + row * (1u + most);
  let named = row * (${FOUND_HEADER}u + 2u * count + most) + ${FOUND_HEADER}u + 2u * count;
  for (var i = t; i < wanted[list]; i += ${THREADS}u) {
    let id = wanted[list + 1u + i];
    if (id >= first && id < first + size) {
      found[named + i] = bitcast<u32>(values[id - first]);
      values[id - first] = ${NONE};
    }
  }
  workgroupBarrier();
  // A thread knows the best of its own; only that of the thread which had the best of all changes.
  var mine = bestOf(t, size);
  for (var round = 0u; round < count; round++) {
    let id = select(first + mine, NO_ID, mine == NO_ID);
    scores[t] = ${NONE};
    if (mine != NO_ID) { scores[t] = values[mine]; }
    places[t] = id;
    faults[t] = 0u;
    findBest(t);
    let winner = places[0];
    if (t == 0u) { parts[part * count + round] = vec2u(bitcast<u32>(scores[0]), winner); }
    if (winner == id && id != NO_ID) {
      values[mine] = ${NONE};
      mine = bestOf(t, size);
    }
    workgroupBarrier();
  }
}

/** The place of the largest of a thread's values that is left; NO_ID for none. */
fn bestOf(t: u32, size: u32) -> u32 {
  var best = ${NONE};
  var place = NO_ID;
  for (var i = t; i < size; i += ${THREADS}u) {
    if (values[i] > best) { best = values[i]; place = i; }
  }
  return place;
}
`
  return {
    label: `top of ${vocabulary} in ${parts} parts`,
    code,
    bindings: ['read', 'read', 'write', 'write', 'write'],
  }
}

/**
 * Bindings: wanted, parts, records, found: of each row the largest logit, Σ e^(logit − largest), whether one is no
 * number; ids, their logits; and those of the ids by name, which are there already. Workgroups: rows.
 */
export function topRowsKernel(shape: TopShape): Kernel {
  const parts = topParts(shape)
  const code = `
@group(0) @binding(0) var<storage, read> wanted: array<u32>;
@group(0) @binding(1) var<storage, read> parts: array<vec2u>;
@group(0) @binding(2) var<storage, read> records: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> found: array<u32>;
${TOGETHER}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  let row = workgroup.x;
  let count = wanted[0];
  let at = row * (${FOUND_HEADER}u + 2u * count + wanted[1]);
  let part = row * ${parts}u + t;
  let has = t < ${parts}u;
  var record = vec4u(bitcast<u32>(f32(${NONE})), 0u, 0u, 0u);
  if (has) { record = records[part]; }
  scores[t] = bitcast<f32>(record.x);
  places[t] = t;
  faults[t] = record.z;
  findBest(t);
  let largest = scores[0];
  let fault = faults[0];
  workgroupBarrier();
  scores[t] = bitcast<f32>(record.y) * exp(bitcast<f32>(record.x) - largest);
  addUp(t);
  if (t == 0u) {
    found[at] = bitcast<u32>(largest);
    found[at + 1u] = bitcast<u32>(scores[0]);
    found[at + 2u] = fault;
  }
  workgroupBarrier();
  var next = 0u;
  for (var round = 0u; round < count; round++) {
    scores[t] = ${NONE};
    places[t] = ${NO_ID}u;
    faults[t] = 0u;
    if (has && next < count) {
      let head = parts[part * count + next];
      scores[t] = bitcast<f32>(head.x);
      places[t] = head.y;
    }
    let mine = places[t];
    findBest(t);
    let winner = places[0];
    if (t == 0u) {
      found[at + ${FOUND_HEADER}u + round] = winner;
      found[at + ${FOUND_HEADER}u + count + round] = bitcast<u32>(scores[0]);
    }
    if (mine == winner) { next++; }
    workgroupBarrier();
  }
}
`
  return {
    label: `top of rows in ${parts} parts`,
    code,
    bindings: ['read', 'read', 'read', 'write'],
  }
}
