/**
 * The one loop that all pictures go through, in WebAssembly with SIMD: for each picture the best product of its queries
 * with a text. It is written here by hand, since a compiler for thirty instructions would be a dependency.
 *
 *   for each picture                       vectors int8 [pictures, Q, width], scales float32 [pictures, Q]
 *     best = −∞
 *     for each query
 *       sum = Σ vectors[i] · text[i]       text int16 [width]; sixteen at a time, in 32 bits
 *       best = max(best, sum · scale)
 *     out = best                           out float32 [pictures]
 */

/** Bytes that one step of the innermost loop takes of a row: widths are filled up to this. */
export const STEP = 16

/**
 * The largest sum of a row of `width` must fit 32 bits: 127 · `largestText(width)` · width.
 * Of rows up to 512 a text may use all of its 16 bits.
 */
export function largestText(width: number): number {
  return Math.floor(Math.min(32767, (2 ** 31 - 1) / (127 * width)))
}

/** All in bytes from the start of the memory, but `pictures`, `queries` and `width`, which count. */
export type Score = (
  vectors: number,
  scales: number,
  text: number,
  out: number,
  pictures: number,
  queries: number,
  width: number,
) => void

export function scoreKernel(memory: WebAssembly.Memory): Score {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), { page: { memory } })
  // What is exported was written below.
  return instance.exports['score'] as Score
}

// WebAssembly Core Specification 2.0, chapter 5 (binary format).
const [I32, F32, V128] = [0x7f, 0x7d, 0x7b]
const LOOP = [0x03, 0x40]
const END = 0x0b
const BR_IF = 0x0d
const I32_ADD = 0x6a
const I32_LT_U = 0x49
const I32X4_ADD = [0xfd, 0xae, 0x01]
const I32X4_DOT = [0xfd, 0xba, 0x01]
const EXTEND_LOW = [0xfd, 0x87, 0x01]
const EXTEND_HIGH = [0xfd, 0x88, 0x01]

const [VECTORS, SCALES, TEXT, OUT, PICTURES, QUERIES, WIDTH] = [0, 1, 2, 3, 4, 5, 6]
const [QUERY, AT, BEST, SUM, ROW] = [7, 8, 9, 10, 11]

const get = (local: number): number[] => [0x20, local]
const set = (local: number): number[] => [0x21, local]
const tee = (local: number): number[] => [0x22, local]
/** −64 to 63: one byte of signed LEB128. */
const i32 = (value: number): number[] => [0x41, value & 0x7f]
const extract = (lane: number): number[] => [0xfd, 0x1b, lane]
const load128 = (offset: number): number[] => [0xfd, 0x00, 0, offset]
const advance = (local: number, by: number): number[] => [...get(local), ...i32(by), I32_ADD, ...set(local)]

/** Behind a loop's body: once more while the local, one less, is not 0. */
const again = (local: number): number[] => [...get(local), ...i32(-1), I32_ADD, ...tee(local), BR_IF, 0, END]

/** Adds to `SUM` the products of eight numbers of `ROW` with as many of the text. */
function eight(half: readonly number[], offset: number): number[] {
  const text = [...get(TEXT), ...get(AT), I32_ADD, ...get(AT), I32_ADD, ...load128(offset)]
  return [...get(ROW), ...half, ...text, ...I32X4_DOT, ...get(SUM), ...I32X4_ADD, ...set(SUM)]
}

function body(): number[] {
  const row = [
    ...[0xfd, 0x0c, ...Array<number>(16).fill(0), ...set(SUM)],
    ...[...i32(0), ...set(AT)],
    ...LOOP,
    ...[...get(VECTORS), ...load128(0), ...set(ROW), ...advance(VECTORS, STEP)],
    ...[...eight(EXTEND_LOW, 0), ...eight(EXTEND_HIGH, 16)],
    ...[...get(AT), ...i32(STEP), I32_ADD, ...tee(AT), ...get(WIDTH), I32_LT_U, BR_IF, 0, END],
  ]
  const lanes = [0, 1, 2, 3].flatMap((lane) => [
    ...get(SUM),
    ...extract(lane),
    ...(lane > 0 ? [I32_ADD] : []),
  ])
  const toFloat = 0xb2
  const scaled = [toFloat, ...get(SCALES), 0x2a, 2, 0, 0x94]
  const kept = [...get(BEST), 0x97, ...set(BEST), ...advance(SCALES, 4)]
  return [
    ...LOOP,
    // −∞ in float32
    ...[0x43, 0, 0, 0x80, 0xff, ...set(BEST), ...get(QUERIES), ...set(QUERY)],
    ...[...LOOP, ...row, ...lanes, ...scaled, ...kept, ...again(QUERY)],
    ...[...get(OUT), ...get(BEST), 0x38, 2, 0, ...advance(OUT, 4)],
    ...again(PICTURES),
    END,
  ]
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const text = (value: string): number[] => counted([...new TextEncoder().encode(value)])
  const section = (id: number, content: readonly number[]): number[] => [id, ...counted(content)]
  const locals = [3, 2, I32, 1, F32, 2, V128]
  const exported = [...text('score'), 0x00, 0]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 7, ...Array<number>(7).fill(I32), 0]),
    ...section(2, [1, ...text('page'), ...text('memory'), 0x02, 0x00, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...exported]),
    ...section(10, [1, ...counted([...locals, ...body()])]),
  ])
}

/** With its length before it, in unsigned LEB128 of up to two bytes. */
function counted(bytes: readonly number[]): number[] {
  const { length } = bytes
  return [...(length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7]), ...bytes]
}
