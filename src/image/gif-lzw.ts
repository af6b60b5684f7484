/** GIF's LZW: codes of growing length in blocks of up to 255 bytes, as libraries read it (Pillow's GifDecode.c). */
import { cutOff, damaged } from './refusal.ts'

const MAX_CODES = 4096
const MAX_BITS = 12

/** `count` palette indices out of the data at `at`: a byte with the codes' length, then blocks. Throws `bad-image`. */
export function unpackLzw(file: Uint8Array, at: number, count: number): Uint8Array {
  const minimum = file[at] ?? 0
  if (minimum > MAX_BITS) throw damaged('GIF')
  const clear = 1 << minimum
  const nextCode = codeReader(file, at + 1)
  const out = new Uint8Array(count)
  // Each code is the string of an earlier one (`prefixes`) and one index more (`suffixes`).
  const prefixes = new Uint16Array(MAX_CODES)
  const suffixes = new Uint8Array(MAX_CODES)
  const string = new Uint8Array(MAX_CODES + 1)
  let [next, bits, previous, first, written] = [clear + 2, minimum + 1, -1, 0, 0]
  while (written < count) {
    const code = nextCode(bits)
    if (code === clear) {
      ;[next, bits, previous] = [clear + 2, minimum + 1, -1]
      continue
    }
    if (code === null || code === clear + 1) throw cutOff()
    if (code > (previous < 0 ? clear : next)) throw damaged('GIF')
    let length = 0
    let rest = code
    // The one code that may stand before it is defined: the previous string, and its first index again.
    if (previous >= 0 && code === next) {
      string[length++] = first
      rest = previous
    }
    while (rest >= clear) {
      if (length >= MAX_CODES || rest >= MAX_CODES) throw damaged('GIF')
      string[length++] = suffixes[rest] ?? 0
      rest = prefixes[rest] ?? 0
    }
    first = rest
    string[length++] = first
    while (length > 0 && written < count) out[written++] = string[--length] ?? 0
    if (previous >= 0 && next < MAX_CODES) {
      prefixes[next] = previous
      suffixes[next] = first
      if (next === (1 << bits) - 1 && bits < MAX_BITS) bits += 1
      next += 1
    }
    previous = code
  }
  return out
}

/** Reads codes, lowest bit first; null where the blocks end or the file does. */
function codeReader(file: Uint8Array, begin: number): (bits: number) => number | null {
  let at = begin
  let left = 0
  let buffer = 0
  let filled = 0
  return (bits) => {
    while (filled < bits) {
      if (left === 0) {
        left = file[at] ?? 0
        at += 1
        if (left === 0 || at + left > file.length) return null
      }
      buffer |= (file[at] ?? 0) << filled
      filled += 8
      at += 1
      left -= 1
    }
    const code = buffer & ((1 << bits) - 1)
    buffer >>>= bits
    filled -= bits
    return code
  }
}
