/**
 * Subgroups of any width on any adapter, for tests: what kernels ask of them is done through workgroup memory, with
 * barriers that hold only where all threads ask, which is what WGSL demands of subgroups as well.
 */
import type { Kernel } from '../../src/runtime/wgsl/gpu/kernel.ts'
import { SUBGROUP_CALLS } from '../../src/runtime/wgsl/gpu/together.ts'

const ENABLED = 'enable subgroups;'
const FORMED = 'fn formGroups(t: u32) {'

/** The kernel with subgroups of `width` threads, or of the whole workgroup where that has fewer. */
export function emulatedSubgroups(kernel: Kernel, width: number): Kernel {
  const threads = Number(/@workgroup_size\((\d+)\)/.exec(kernel.code)?.[1])
  if (![ENABLED, SUBGROUP_CALLS, FORMED].every((text) => kernel.code.includes(text)))
    throw new Error('This kernel does not use subgroups.')
  const code = kernel.code
    .replace(ENABLED, '')
    .replace(SUBGROUP_CALLS, calls(threads, Math.min(width, threads)))
    .replace(FORMED, `${FORMED}\n  emulated = t;`)
  return { ...kernel, code }
}

function calls(threads: number, width: number): string {
  const fold = (name: string, type: string, into: (value: string) => string): string => `
fn ${name}(value: ${type}) -> ${type} {
  lent[emulated] = bitcast<u32>(value);
  workgroupBarrier();
  let first = emulated / ${width}u * ${width}u;
  var all = bitcast<${type}>(lent[first]);
  for (var i = 1u; i < ${width}u; i++) { all = ${into(`bitcast<${type}>(lent[first + i])`)}; }
  workgroupBarrier();
  return all;
}`
  return `
var<private> emulated: u32;
var<workgroup> lent: array<u32, ${threads}>;
${fold('groupSum', 'f32', (value) => `all + ${value}`)}
${fold('groupMost', 'f32', (value) => `max(all, ${value})`)}
${fold('groupLeast', 'u32', (value) => `min(all, ${value})`)}
${fold('groupAny', 'u32', (value) => `all | ${value}`)}
fn groupCount() -> u32 { return ${width}u; }
fn groupAcross(value: f32, mask: u32) -> f32 {
  lent[emulated] = bitcast<u32>(value);
  workgroupBarrier();
  let other = (emulated % ${width}u) ^ mask;
  // From beyond a subgroup comes no value.
  var got = bitcast<f32>(0x7fc00000u | (emulated & 1u));
  if (other < ${width}u) { got = bitcast<f32>(lent[emulated / ${width}u * ${width}u + other]); }
  workgroupBarrier();
  return got;
}
`
}
