/** Layer normalisation of rows, in front of the products of several rows. */
import type { Kernel } from '../../gpu/kernel.ts'
import { togetherHead, togetherStart, totalBy, type Together } from '../../gpu/together.ts'
import type { NormPlace } from '../product/product.ts'

export interface NormShape extends NormPlace {
  size: number
  /** Values of the buffer that weight and bias lie in. */
  floats: number
}

/** Bindings: input [rows, size], floats, output. One workgroup a row; `threads` is a power of two. */
export function normKernel(shape: NormShape, threads: number, by: Together = 'memory'): Kernel {
  const code = `${togetherHead(by)}
const SIZE = ${shape.size / 4}u;
const THREADS = ${threads}u;
@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read> floats: array<vec4f, ${shape.floats / 4}>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;
var<workgroup> scratch: array<f32, ${threads}>;
${totalBy(by, threads, 'scratch')}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  ${togetherStart(by)}
  let start = workgroup.x * SIZE;
${normalisedRow(shape, 'input')}
}
`
  return { label: `norm ${shape.size}`, code, bindings: ['read', 'read', 'write'] }
}

/** Statements that normalise the row of `source` at `start` into `output`, over SIZE vectors. */
export function normalisedRow(
  { size, weightAt, biasAt, epsilon }: NormShape,
  source: string,
  output = 'output',
): string {
  return `  var part = 0.0;
  for (var i = t; i < SIZE; i += THREADS) { let x = ${source}[start + i]; part += x.x + x.y + x.z + x.w; }
  let mean = total(t, part) / ${size}.0;
  part = 0.0;
  for (var i = t; i < SIZE; i += THREADS) { let x = ${source}[start + i] - mean; part += dot(x, x); }
  let factor = inverseSqrt(total(t, part) / ${size}.0 + ${epsilon});
  for (var i = t; i < SIZE; i += THREADS) {
    ${output}[start + i] = (${source}[start + i] - mean) * factor * floats[${weightAt / 4}u + i] + floats[${biasAt / 4}u + i];
  }`
}
