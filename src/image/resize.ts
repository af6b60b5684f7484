/**
 * Pillow's bicubic resize, bit for bit (Pillow `src/libImaging/Resample.c`; blip2.md section 3): two passes, across
 * and then down, rounded to 8 bits in between, in fixed point. A canvas resize is not it.
 */
import { rowsOf, type RgbRows } from './pixels.ts'

/** Fractional bits of the fixed-point weights: 32 - 8 - 2, as Pillow has them. */
const PRECISION_BITS = 22
const HALF = 1 << (PRECISION_BITS - 1)
const BAND_ROWS = 64
/** A picture taller than this many times its width is resized downwards first (Pillow `Image.resize`, 12.3). */
const TALL = 100

/** For each output index: where its inputs begin, and their weights, `width` of them (zero where there are fewer). */
interface Kernel {
  width: number
  starts: Int32Array
  counts: Int32Array
  weights: Int32Array
}

/** Resizes to `size` × `size` without keeping the aspect ratio, as BLIP-2's processor does. Returns RGB bytes. */
export function resizeBicubic(source: RgbRows, size: number): Uint8Array<ArrayBuffer> {
  const { width, height } = source
  if (height > width * TALL && size < height) {
    const narrow = downColumns(source.readRows(0, height), height, width, size)
    return acrossRows(rowsOf(width, size, narrow), size)
  }
  const across = acrossRows(source, size)
  return height === size ? across : downColumns(across, height, size, size)
}

/** First pass: every source row to `size` pixels. */
function acrossRows(source: RgbRows, size: number): Uint8Array<ArrayBuffer> {
  const { width, height } = source
  const out = new Uint8Array(height * size * 3)
  const kernel = width === size ? null : bicubicKernel(width, size)
  for (let top = 0; top < height; top += BAND_ROWS) {
    const count = Math.min(BAND_ROWS, height - top)
    const band = source.readRows(top, count)
    if (kernel === null) out.set(band, top * size * 3)
    else
      for (let y = 0; y < count; y += 1)
        resizeRow(band, y * width * 3, out, (top + y) * size * 3, kernel, size)
  }
  return out
}

function resizeRow(
  source: Uint8Array,
  from: number,
  out: Uint8Array,
  to: number,
  kernel: Kernel,
  size: number,
): void {
  const { weights, starts, counts } = kernel
  for (let x = 0; x < size; x += 1) {
    let [r, g, b] = [HALF, HALF, HALF]
    const first = x * kernel.width
    const count = counts[x] ?? 0
    let at = from + (starts[x] ?? 0) * 3
    for (let i = first; i < first + count; i += 1) {
      const weight = weights[i] ?? 0
      r = (r + Math.imul(weight, source[at] ?? 0)) | 0
      g = (g + Math.imul(weight, source[at + 1] ?? 0)) | 0
      b = (b + Math.imul(weight, source[at + 2] ?? 0)) | 0
      at += 3
    }
    const target = to + x * 3
    out[target] = clip8(r)
    out[target + 1] = clip8(g)
    out[target + 2] = clip8(b)
  }
}

/** Second pass: [height, columns] → [size, columns]. */
function downColumns(
  source: Uint8Array,
  height: number,
  columns: number,
  size: number,
): Uint8Array<ArrayBuffer> {
  const kernel = bicubicKernel(height, size)
  const stride = columns * 3
  const out = new Uint8Array(size * stride)
  // Sums stay below 2^31 as in Pillow (weights add up to 2^22 and overshoot by little).
  const sums = new Int32Array(stride)
  for (let y = 0; y < size; y += 1) {
    sums.fill(HALF)
    const count = kernel.counts[y] ?? 0
    for (let i = 0; i < count; i += 1) {
      const weight = kernel.weights[y * kernel.width + i] ?? 0
      const row = ((kernel.starts[y] ?? 0) + i) * stride
      for (let x = 0; x < stride; x += 1)
        sums[x] = ((sums[x] ?? 0) + Math.imul(weight, source[row + x] ?? 0)) | 0
    }
    for (let x = 0; x < stride; x += 1) out[y * stride + x] = clip8(sums[x] ?? 0)
  }
  return out
}

function clip8(sum: number): number {
  const value = sum >> PRECISION_BITS
  return value < 0 ? 0 : value > 255 ? 255 : value
}

function bicubicKernel(input: number, output: number): Kernel {
  const scale = input / output
  const filterScale = Math.max(scale, 1)
  const support = 2 * filterScale
  const width = Math.ceil(support) * 2 + 1
  const kernel = {
    width,
    starts: new Int32Array(output),
    counts: new Int32Array(output),
    weights: new Int32Array(output * width),
  }
  for (let o = 0; o < output; o += 1) {
    const centre = (o + 0.5) * scale
    const start = Math.max(0, Math.trunc(centre - support + 0.5))
    const end = Math.min(input, Math.trunc(centre + support + 0.5))
    const raw = Array.from({ length: end - start }, (_, i) =>
      cubic((start + i - centre + 0.5) * (1 / filterScale)),
    )
    const total = raw.reduce((sum, weight) => sum + weight, 0)
    kernel.starts[o] = start
    kernel.counts[o] = end - start
    kernel.weights.set(
      raw.map((weight) => fixedPoint(total === 0 ? weight : weight / total)),
      o * width,
    )
  }
  return kernel
}

/** Keys' cubic with a = -0.5. */
function cubic(x: number): number {
  const a = -0.5
  const t = Math.abs(x)
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a
  return 0
}

/** Rounded half away from zero. */
function fixedPoint(weight: number): number {
  return Math.trunc(weight * (1 << PRECISION_BITS) + (weight < 0 ? -0.5 : 0.5))
}
