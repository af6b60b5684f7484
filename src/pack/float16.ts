/** IEEE 754 binary16, over whole typed arrays; values travel as bit patterns in a `Uint16Array`. */

let values: Uint32Array | undefined

/** binary16 → binary32, exact for every pattern. NaN keeps its payload. */
export function f16ToF32(source: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(source.length)
  f16ToF32Bits(source, bits)
  return new Float32Array(bits.buffer)
}

/** Bytes of float16, or else of float32, copied, as values; they may begin anywhere in their buffer. */
export function floatsIn(bytes: Uint8Array, isFloat16: boolean): Float32Array<ArrayBuffer> {
  const { buffer } = Uint8Array.from(bytes)
  return isFloat16 ? f16ToF32(new Uint16Array(buffer)) : new Float32Array(buffer)
}

/** `f16ToF32` as bit patterns, into an array of the same length. */
export function f16ToF32Bits(source: Uint16Array, target: Uint32Array): void {
  values ??= Uint32Array.from({ length: 2 ** 16 }, (_, pattern) => f32BitsOfF16(pattern))
  const table = values
  for (let i = 0; i < source.length; i++) target[i] = table[source[i] ?? 0] ?? 0
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
