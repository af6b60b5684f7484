/** How quantised matrices are stored, and WGSL that reads them. */

export interface BlockFormat {
  bits: 4 | 8
  /** Values of a row that share a scale: 32, 64 or 128. */
  blockSize: number
  /** Of scales, as the pack stores them. */
  scales: FloatType
}

/** What matrices of one format have in common. */
export function formatName({ bits, blockSize, scales }: BlockFormat): string {
  return `${bits} bits of ${blockSize}, ${scales}`
}

/** A type in which floats lie in memory. float16 needs no feature of the device: it is unpacked as it is read. */
export type FloatType = 'float32' | 'float16'

/** Values that kernels take at a time, whatever shares a scale. */
export const CHUNK = 32

/** 128-bit words of one chunk. */
export function vectorsOf({ bits }: BlockFormat): number {
  return (CHUNK * bits) / 128
}

/** Values in a 32-bit word. */
export function valuesOfWord({ bits }: BlockFormat): number {
  return 32 / bits
}

/** The type of an array of floats in WGSL; without a count, one that is as long as its buffer. */
export function floatArray(type: FloatType, count?: number): string {
  const [element, values] = type === 'float32' ? ['f32', 1] : ['u32', 2]
  return count === undefined ? `array<${element}>` : `array<${element}, ${Math.ceil(count / values)}>`
}

/** `fn name(i) -> f32`: a value of `array`, which is one of `floatArray`. */
export function readFloat(name: string, array: string, type: FloatType): string {
  if (type === 'float32') return `fn ${name}(i: u32) -> f32 { return ${array}[i]; }`
  return `fn ${name}(i: u32) -> f32 {
  let pair = unpack2x16float(${array}[i >> 1u]);
  return select(pair.x, pair.y, (i & 1u) == 1u);
}`
}

/**
 * `fn low(w)` and, with 4 bits, `fn high(w)`: values of a word, four at a time, times `unitOf`. Nibbles come apart as
 * even elements (low) and odd ones (high).
 */
export function unpackWord({ bits }: BlockFormat, packed4x8: boolean): string {
  if (!packed4x8) {
    const part = (shift: number): string =>
      `(vec4u(w) >> vec4u(${shift}u, ${shift + 8}u, ${shift + 16}u, ${shift + 24}u))`
    if (bits === 8) return `fn low(w: u32) -> vec4f { return vec4f(${part(0)} & vec4u(255u)) - 128.0; }`
    return `fn low(w: u32) -> vec4f { return vec4f(${part(0)} & vec4u(15u)) - 8.0; }
fn high(w: u32) -> vec4f { return vec4f(${part(4)} & vec4u(15u)) - 8.0; }`
  }
  // The zero point's bit turned over makes two's complement; a nibble in the upper half of a byte counts sixteenfold.
  if (bits === 8) return `fn low(w: u32) -> vec4f { return vec4f(unpack4xI8(w ^ 0x80808080u)); }`
  return `fn low(w: u32) -> vec4f { return vec4f(unpack4xI8(((w ^ 0x88888888u) << 4u) & 0xF0F0F0F0u)); }
fn high(w: u32) -> vec4f { return vec4f(unpack4xI8((w ^ 0x88888888u) & 0xF0F0F0F0u)); }`
}

/** What values of `unpackWord` are to be multiplied by, besides the scale: a power of two, so nothing is rounded. */
export function unitOf({ bits }: BlockFormat, packed4x8: boolean): string {
  return bits === 4 && packed4x8 ? '0.0625' : '1.0'
}
