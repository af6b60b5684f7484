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
