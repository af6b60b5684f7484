/**
 * What threads of a workgroup find out together, as WGSL: through workgroup memory, by halving, or within subgroups first,
 * where the device has them, which takes two barriers instead of one for each halving. Nothing is taken for granted of how
 * wide subgroups are, 4 to 128, or that all kernels have the same: each counts for itself. That neighbours in the workgroup
 * are neighbours in a subgroup is true of every device we know of and promised by none; the self-test finds out.
 */
import { bestHalvings, halvings } from './reduce.ts'

export type Together = 'memory' | 'subgroups'

/** All that kernels ask of subgroups. */
export const SUBGROUP_CALLS = `
fn groupSum(value: f32) -> f32 { return subgroupAdd(value); }
fn groupCount() -> u32 { return subgroupAdd(1u); }
fn groupMost(value: f32) -> f32 { return subgroupMax(value); }
fn groupLeast(value: u32) -> u32 { return subgroupMin(value); }
fn groupAny(value: u32) -> u32 { return subgroupOr(value); }
fn groupAcross(value: f32, mask: u32) -> f32 { return subgroupShuffleXor(value, mask); }
`

/** In front of all other code of a kernel. */
export function togetherHead(by: Together): string {
  if (by === 'memory') return ''
  return `enable subgroups;
/** Of this thread's subgroup: how many threads it has, whether this is its first one. */
var<private> width: u32;
var<private> leads: bool;
${SUBGROUP_CALLS}
fn formGroups(t: u32) {
  width = groupCount();
  leads = groupLeast(t) == t;
}`
}

/** At the start of `main`, before any thread goes its own way; `t` is the thread in its workgroup. */
export function togetherStart(by: Together): string {
  return by === 'memory' ? '' : 'formGroups(t);'
}

/**
 * `fn name(t, value) -> f32`: the sum of `value` over the first `count` threads, a power of two, in an order that is always
 * the same on a device. Every thread must call it; others than the first have 0. Uses `scratch`, a workgroup array of at
 * least as many f32.
 */
export function totalBy(by: Together, count: number, scratch: string, name = 'total'): string {
  const sum = by === 'subgroups' ? 'groupSum(value)' : 'value'
  const start = by === 'subgroups' ? '0.0' : `${scratch}[0]`
  return folded(by, count, { scratch, name, value: sum, start }, (a, b) => `${a} += ${b}`)
}

/** `fn largest(t, value) -> f32`, in the same way; others than the first have what is no larger. */
export function largestBy(by: Together, count: number, scratch: string): string {
  const most = by === 'subgroups' ? 'groupMost(value)' : 'value'
  const fold = (a: string, b: string): string => `${a} = max(${a}, ${b})`
  return folded(by, count, { scratch, name: 'largest', value: most, start: `${scratch}[0]` }, fold)
}

function folded(
  by: Together,
  count: number,
  { scratch, name, value, start }: Record<'scratch' | 'name' | 'value' | 'start', string>,
  fold: (into: string, from: string) => string,
): string {
  const stores = by === 'subgroups' ? `leads && t < ${count}u` : `t < ${count}u`
  const inMemory = halvings(
    count,
    (half) => `if (t < ${half}u) { ${fold(`${scratch}[t]`, `${scratch}[t + ${half}u]`)}; }`,
  )
  const overGroups = `  for (var i = 0u; i < ${count}u; i += width) { ${fold('all', `${scratch}[i]`)}; }`
  return `
fn ${name}(t: u32, value: f32) -> f32 {
  let mine = ${value};
  if (${stores}) { ${scratch}[t] = mine; }
  workgroupBarrier();
${by === 'subgroups' ? '' : inMemory}
  var all = ${start};
${by === 'subgroups' ? overGroups : ''}
  workgroupBarrier();
  return all;
}`
}

/**
 * `fn best(t, score, place, fault) -> Best`: the largest score of the first `count` threads, a power of two, the lowest
 * place among equals, and whether there is any fault. Every thread must call it; others than the first have a score that
 * is no larger and the place 0xffffffff. Uses `scratch` as `totalBy` does, and `places` and `faults`, which it declares.
 */
export function bestBy(by: Together, count: number, scratch: string): string {
  const within = `let most = groupMost(score);
  let lowest = groupLeast(select(0xffffffffu, place, score == most));
  let any = groupAny(fault);
  if (leads && t < ${count}u) { ${scratch}[t] = most; places[t] = lowest; faults[t] = any; }
  workgroupBarrier();
  var found = Best(${scratch}[0], places[0], faults[0]);
  for (var i = width; i < ${count}u; i += width) {
    let other = ${scratch}[i];
    if (other > found.score || (other == found.score && places[i] < found.place)) {
      found.score = other;
      found.place = places[i];
    }
    found.fault |= faults[i];
  }`
  const halved = `if (t < ${count}u) { ${scratch}[t] = score; places[t] = place; faults[t] = fault; }
  workgroupBarrier();
${bestHalvings(count, scratch)}
  let found = Best(${scratch}[0], places[0], faults[0]);`
  return `
struct Best { score: f32, place: u32, fault: u32 }
var<workgroup> places: array<u32, ${count}>;
var<workgroup> faults: array<u32, ${count}>;
fn best(t: u32, score: f32, place: u32, fault: u32) -> Best {
  ${by === 'subgroups' ? within : halved}
  workgroupBarrier();
  return found;
}`
}
