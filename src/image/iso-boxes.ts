/** Boxes, of which ISO base media files consist (ISO/IEC 14496-12, 4.2): read, and written again. */
import { concatenated } from '../pack/bytes.ts'
import { ascii, u16be, u32be } from './file-bytes.ts'
import { cutOff } from './refusal.ts'

export interface Box {
  type: string
  /** Where its header begins. */
  start: number
  body: Uint8Array
}

/** Those that lie side by side in `bytes`. Throws `bad-image` where one other than media data ends beyond them. */
export function boxesOf(bytes: Uint8Array): Box[] {
  const boxes: Box[] = []
  for (let at = 0; at + 8 <= bytes.length;) {
    const short = u32be(bytes, at)
    const header = short === 1 ? 16 : 8
    const length =
      short === 0
        ? bytes.length - at
        : short === 1
          ? u32be(bytes, at + 8) * 2 ** 32 + u32be(bytes, at + 12)
          : short
    if (length < header) break
    const type = ascii(bytes, at + 4, at + 8)
    if (at + length > bytes.length && type !== 'mdat') throw cutOff()
    boxes.push({ type, start: at, body: bytes.subarray(at + header, at + length) })
    at += length
  }
  return boxes
}

/** Undefined where none has this type. */
export function bodyOf(boxes: readonly Box[], type: string): Uint8Array | undefined {
  return boxes.find((box) => box.type === type)?.body
}

export function boxBytes(type: string, ...bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = concatenated(bodies)
  return concatenated([
    bigEndian(body.length + 8, 4),
    Uint8Array.from(type, (letter) => letter.charCodeAt(0)),
    body,
  ])
}

export function bigEndian(value: number, bytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** (bytes - 1 - i)) % 256)
}

/** Numbers one behind the other. Beyond the end there are zeros. */
export class NumberReader {
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length
  }

  /** Of 0, 1, 2, 4 or 8 bytes. */
  next(bytes: number): number {
    const at = this.at
    this.at += bytes
    if (bytes === 1) return this.#bytes[at] ?? 0
    if (bytes === 2) return u16be(this.#bytes, at)
    if (bytes === 4) return u32be(this.#bytes, at)
    return bytes === 8 ? u32be(this.#bytes, at) * 2 ** 32 + u32be(this.#bytes, at + 4) : 0
  }
}
