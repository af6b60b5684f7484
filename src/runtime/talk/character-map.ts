/**
 * SentencePiece's compiled character map (`precompiled_charsmap`): a double-array trie (darts-clone) over UTF-8 whose
 * values say where in a run of zero-ended texts the replacement begins. Applied as the `tokenizers` library does it
 * (`normalizers/precompiled.rs`), quirks included, since transformers' ids come from there.
 */
import { fromBase64 } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'

export type Normalise = (text: string) => string

/** Of whole graphemes only short ones are looked up, in bytes of UTF-8. */
const LONGEST_GRAPHEME = 5

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** `map`: base64 of the trie's length in bytes (uint32), the trie and the texts. Throws `bad-pack` for what is none. */
export function openCharacterMap(map: string): Normalise {
  const bytes = decodeBase64(map)
  const length = bytes.length < 4 ? 0 : new DataView(bytes.buffer).getUint32(0, true)
  if (length === 0 || length % 4 !== 0 || 4 + length > bytes.length)
    throw new AppError(
      'bad-pack',
      'The tokenizer of this pack has a damaged character map; convert it again.',
    )
  const trie = new Uint32Array(bytes.slice(4, 4 + length).buffer)
  const texts = bytes.subarray(4 + length)

  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

  /** What the shortest beginning of `part` that the map knows becomes; the rest of it is dropped. */
  function replacement(part: string): string | undefined {
    const start = shortestPrefix(trie, encoder.encode(part))
    if (start === undefined) return undefined
    const end = texts.indexOf(0, start)
    return decoder.decode(texts.subarray(start, end < 0 ? texts.length : end))
  }

  return (text) => {
    let out = ''
    for (const { segment: grapheme } of segmenter.segment(text)) {
      const short = encoder.encode(grapheme).length <= LONGEST_GRAPHEME
      const whole = short ? replacement(grapheme) : undefined
      if (whole !== undefined) out += whole
      else for (const character of grapheme) out += replacement(character) ?? character
    }
    return out
  }
}

/** The value of the shortest key that `key` begins with. Units of the trie hold a label, a leaf's mark and an offset. */
function shortestPrefix(trie: Uint32Array, key: Uint8Array): number | undefined {
  let node = offsetOf(trie[0] ?? 0)
  for (const byte of key) {
    if (byte === 0) return undefined
    node ^= byte
    const unit = trie[node] ?? 0
    if ((unit & 0x800000ff) !== byte) return undefined
    node ^= offsetOf(unit)
    if ((unit & 0x100) !== 0) return (trie[node] ?? 0) & 0x7fffffff
  }
  return undefined
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6)
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return fromBase64(text)
  } catch {
    return new Uint8Array()
  }
}
