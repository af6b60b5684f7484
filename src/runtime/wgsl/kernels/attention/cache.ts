/** How kernels reach keys and values: [sequence, head, capacity, cache head size], float32 or pairs of float16. */
import type { FloatType } from '../../gpu/weights-format.ts'

export interface HeadsShape {
  heads: number
  headSize: number
  /** As the cache stores it: filled up to a multiple of 8. */
  cacheHeadSize: number
  cacheType: FloatType
  /** What queries are multiplied by. */
  scale: number
}

export function cacheArray(type: FloatType): string {
  return type === 'float32' ? 'array<f32>' : 'array<u32>'
}

/** `fn name(at, pair)`: two neighbours into the cache; `at` is even. */
export function writePair(name: string, array: string, type: FloatType): string {
  return type === 'float32'
    ? `fn ${name}(at: u32, pair: vec2f) { ${array}[at] = pair.x; ${array}[at + 1u] = pair.y; }`
    : `fn ${name}(at: u32, pair: vec2f) { ${array}[at / 2u] = pack2x16float(pair); }`
}

/** The array of four neighbours at a time, for reading. */
export function cacheVectors(type: FloatType): string {
  return type === 'float32' ? 'array<vec4f>' : 'array<vec2u>'
}

/** `fn name(i) -> vec4f`: the i-th four neighbours. */
export function readVector(name: string, array: string, type: FloatType): string {
  return type === 'float32'
    ? `fn ${name}(i: u32) -> vec4f { return ${array}[i]; }`
    : `fn ${name}(i: u32) -> vec4f { let w = ${array}[i]; return vec4f(unpack2x16float(w.x), unpack2x16float(w.y)); }`
}
