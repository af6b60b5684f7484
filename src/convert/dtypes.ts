/**
 * The float formats that weights come in and leave in, over whole typed arrays. 16-bit formats travel as their bit
 * patterns in a `Uint16Array`. Like safetensors and ONNX external data, all of this is little-endian, as is every
 * machine that runs a browser or Node.
 */

/** bfloat16 is the upper half of a float32. */
export function bf16ToF32(source: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(source.length)
  for (let i = 0; i < source.length; i++) bits[i] = (source[i] ?? 0) << 16
  return new Float32Array(bits.buffer)
}

let f16Values: Uint32Array | undefined

/** IEEE 754 binary16 → binary32, exact for every pattern. NaN keeps its payload. */
export function f16ToF32(source: Uint16Array): Float32Array<ArrayBuffer> {
  f16Values ??= Uint32Array.from({ length: 2 ** 16 }, (_, pattern) => f32BitsOfF16(pattern))
  const table = f16Values
  const bits = new Uint32Array(source.length)
  for (let i = 0; i < source.length; i++) bits[i] = table[source[i] ?? 0] ?? 0
  return new Float32Array(bits.buffer)
}

function f32BitsOfF16(pattern: number): number {
  const sign = (pattern & 0x8000) << 16
  const exponent = (pattern >>> 10) & 0x1f
  const mantissa = pattern & 0x3ff
  if (exponent === 0x1f) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0
  if (exponent > 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0
  if (mantissa === 0) return sign >>> 0
  // A subnormal of binary16 is a normal number of binary32: shift until the leading one becomes the implicit bit.
  const shift = Math.clz32(mantissa) - 21
  return (sign | ((113 - shift) << 23) | ((mantissa << (shift + 13)) & 0x7fffff)) >>> 0
}

/** Rounded to the nearest value, ties to even. `overflows` counts finite values that became an infinity. */
export function f32ToF16(source: Float32Array): { values: Uint16Array<ArrayBuffer>; overflows: number } {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length)
  const values = new Uint16Array(source.length)
  let overflows = 0
  for (let i = 0; i < bits.length; i++) {
    const pattern = bits[i] ?? 0
    const magnitude = pattern & 0x7fffffff
    const half = f16BitsOfMagnitude(magnitude)
    if (half === 0x7c00 && magnitude !== 0x7f800000) overflows++
    values[i] = ((pattern >>> 16) & 0x8000) | half
  }
  return { values, overflows }
}

/** Bits of a binary32 without its sign → bits of the nearest binary16. */
function f16BitsOfMagnitude(magnitude: number): number {
  // From 65536 up there is only infinity and NaN; a NaN must not lose its last mantissa bit and become infinity.
  if (magnitude >= 0x47800000) return magnitude > 0x7f800000 ? 0x7e00 | ((magnitude >>> 13) & 0x3ff) : 0x7c00
  // Normal: rebias the exponent by 112 and drop 13 bits; a carry out of the mantissa rightly raises the exponent.
  if (magnitude >= 0x38800000) return (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13
  const exponent = magnitude >>> 23
  // Below 2^-25 even the smallest subnormal (2^-24) is too far away.
  if (exponent < 102) return 0
  const mantissa = (magnitude & 0x7fffff) | 0x800000
  const shift = 126 - exponent
  return (mantissa + (1 << (shift - 1)) - 1 + ((mantissa >>> shift) & 1)) >>> shift
}

/** Index of the first NaN or infinity, or -1. */
export function firstNonFinite(values: Float32Array): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  for (let i = 0; i < bits.length; i++) if (((bits[i] ?? 0) & 0x7f800000) === 0x7f800000) return i
  return -1
}
