/** Files of made-up pictures, and vectors that follow from their bytes, so that anybody can tell which belong to which. */
import { AppError } from '../../src/pack/failure.ts'
import { seededRandom } from '../../src/scenes/random.ts'
import type { ListedFile, SeenForIndex } from '../../src/search/indexing.ts'

export const SHAPE = { queries: 3, width: 16 }

/** What lies in a folder: the text of each file by its path. Text that begins with `!` is no picture. */
export type MadeUpFolder = ReadonlyMap<string, string>

export function listed(source: string, folder: MadeUpFolder): ListedFile[] {
  return [...folder].map(([path, text]) => ({
    source,
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    bytes: text.length,
    // As if each content had been written at a moment of its own.
    modified: seedOf(text),
    open: () => Promise.resolve(new Blob([text])),
  }))
}

/** [Q, d] of a picture with this text, each row of length 1. */
export function vectorsOf(text: string): Float32Array<ArrayBuffer> {
  const random = seededRandom(seedOf(text))
  const { queries, width } = SHAPE
  const rows = Array.from({ length: queries }, () => {
    const row = Array.from({ length: width }, () => random.between(-1, 1))
    const length = Math.hypot(...row)
    return row.map((value) => value / length)
  })
  return Float32Array.from(rows.flat())
}

export async function seeMadeUp(image: Blob): Promise<SeenForIndex> {
  const text = await image.text()
  if (text.startsWith('!')) throw new AppError('bad-image', 'This is not a picture.')
  const thumbnail = new TextEncoder().encode(`small ${text}`)
  return { vectors: vectorsOf(text), width: 8, height: 4, thumbnail }
}

/** When it was taken stands behind an `@` in its text. */
export async function takenMadeUp(image: Blob): Promise<string | null> {
  return (await image.text()).split('@')[1] ?? null
}

function seedOf(text: string): number {
  return new TextEncoder().encode(text).reduce((seed, byte) => (seed * 31 + byte) % 2 ** 31, 7)
}
