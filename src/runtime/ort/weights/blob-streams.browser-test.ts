/** Weights are read while garbage is collected all the time: nothing may be collected that a read waits for. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BlobReader } from '../../../pack/blob-reader.ts'
import { PacedBlob } from './paced-blob.ts'
import { WidenedBlob } from './widened.ts'

const PARTS = 400
const PART_BYTES = 100_000

let collecting: ReturnType<typeof setInterval>
beforeAll(() => {
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) throw new Error('This browser was started without --js-flags=--expose-gc.')
  collecting = setInterval(gc, 5)
})
afterAll(() => {
  clearInterval(collecting)
})

const bytes = Uint8Array.from({ length: PARTS * PART_BYTES }, (_, i) => i % 251)
const blob = new Blob([bytes])
const immediately = (): Promise<void> => Promise.resolve()

/** As ONNX Runtime's JSPI build does: into memory of its own until it is full. */
async function readAll(stream: ReadableStream<Uint8Array<ArrayBuffer>>, length: number): Promise<Uint8Array> {
  const reader = stream.getReader({ mode: 'byob' })
  const all = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { value } = await reader.read(new Uint8Array(length - done))
    if (value === undefined || value.length === 0) throw new Error('ended early')
    all.set(value, done)
    done += value.length
  }
  return all
}

describe('parts of a Blob arrive', () => {
  it('at the pace of somebody else', async () => {
    const paced = new PacedBlob(blob, immediately)
    for (let at = 0; at < blob.size; at += PART_BYTES) {
      const part = await readAll(paced.slice(at, at + PART_BYTES).stream(), PART_BYTES)
      expect(part[PART_BYTES - 1]).toBe(bytes[at + PART_BYTES - 1])
    }
  })

  it('widened', async () => {
    const widened = new WidenedBlob(blob, immediately)
    for (let at = 0; at < blob.size; at += PART_BYTES)
      await readAll(widened.slice(2 * at, 2 * (at + PART_BYTES)).stream(), 2 * PART_BYTES)
  })

  it('in memory that is used again', async () => {
    const reader = new BlobReader()
    for (let at = 0; at < blob.size; at += PART_BYTES) {
      const part = await reader.read(blob.slice(at, at + PART_BYTES))
      expect(part[PART_BYTES - 1]).toBe(bytes[at + PART_BYTES - 1])
    }
  })
})
