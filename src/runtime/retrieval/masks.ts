/** Texts of different lengths side by side, and what each row of the sequence `[queries; text]` sees (blip2.md section 5). */
import { HIDDEN } from '../../pack/parts.ts'
import { isSeen, type Sees } from '../../pack/sees.ts'

export interface TextRows {
  rows: number
  /** Of the longest text. */
  length: number
  /** [rows, length], filled up with `PADDING`. */
  ids: number[]
  /** Added to scores, [rows, 1, S, S], or [1, 1, S, S] where all rows see alike; S = queries + length. */
  mask: Float32Array<ArrayBuffer>
  maskDims: [number, 1, number, number]
}

/** Stands where a text has ended: nothing sees it, so any id would do. */
const PADDING = 0

/** `texts` are ids, at least one in each. */
export function textRows(texts: readonly (readonly number[])[], queries: number, sees: Sees): TextRows {
  const length = Math.max(...texts.map((ids) => ids.length))
  const ids = texts.flatMap((text) => Array.from({ length }, (_, i) => text[i] ?? PADDING))
  const total = queries + length
  const alike = texts.every((text) => text.length === length)
  const masks = alike ? texts.slice(0, 1) : texts
  const mask = new Float32Array(masks.length * total * total)
  masks.forEach((text, row) => {
    const end = queries + text.length
    for (let from = 0; from < total; from += 1)
      for (let to = 0; to < total; to += 1)
        if (to >= end || !isSeen(sees, from, to, queries)) mask[(row * total + from) * total + to] = HIDDEN
  })
  return { rows: texts.length, length, ids, mask, maskDims: [masks.length, 1, total, total] }
}
