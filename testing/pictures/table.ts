/**
 * Small files of every kind and malformation that is known here, with what Pillow reads in them (`make.py` makes both).
 * Page and command line are held against the same table.
 */
import type { RgbRows } from '../../src/image/pixels.ts'
import type { Alpha } from '../../src/image/raster.ts'
import { sha256Hex } from '../../src/pack/bytes.ts'
import { AppError } from '../../src/pack/failure.ts'
import expected from './expected.json' with { type: 'json' }

interface Read {
  width: number
  height: number
  /** SHA-256 of the RGB rows, as stored and on white. */
  pixels?: string
  white?: string
  /** The RGB rows in base64, and by how many levels a decoder may differ. */
  near?: string
  bound?: number
  /** Why this is not what Pillow reads. */
  unlike_pillow?: string
}

interface Refused {
  code: string
  /** Words of the sentence. */
  says: string
}

export const TABLE: readonly (readonly [name: string, expectation: Read | Refused])[] = Object.entries(
  expected as Record<string, Read | Refused>,
)

export type Decode = (file: Uint8Array<ArrayBuffer>, alpha: Alpha) => Promise<RgbRows>

/**
 * What is wrong with how `decode` takes a file; null where it does as the table says. Lossy pictures may be `slack` levels
 * further off than the table allows.
 */
export async function faultOf(
  file: Uint8Array<ArrayBuffer>,
  expectation: Read | Refused,
  decode: Decode,
  slack = 0,
): Promise<string | null> {
  if ('code' in expectation) return refusalFault(expectation, await outcomeOf(decode(file, 'drop')))
  // Lossy pictures with alpha are compared as they are stored.
  const ways = expectation.near === undefined ? (['drop', 'white'] as const) : (['drop'] as const)
  for (const alpha of ways) {
    const outcome = await outcomeOf(decode(file, alpha))
    const fault =
      outcome instanceof Error
        ? `refused: ${outcome.message}`
        : await rowsFault(expectation, outcome, alpha, slack)
    if (fault !== null) return `${fault} (alpha: ${alpha})`
  }
  return null
}

async function outcomeOf(decoding: Promise<RgbRows>): Promise<RgbRows | Error> {
  try {
    return await decoding
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function refusalFault({ code, says }: Refused, outcome: RgbRows | Error): string | null {
  if (!(outcome instanceof Error)) return `read (${outcome.width} × ${outcome.height}), not refused`
  if (!(outcome instanceof AppError)) return `not a failure that is meant for a person: ${String(outcome)}`
  if (outcome.code !== code) return `refused as ${outcome.code}`
  return outcome.message.includes(says) ? null : `refused with other words: ${outcome.message}`
}

async function rowsFault(
  expectation: Read,
  rows: RgbRows,
  alpha: Alpha,
  slack: number,
): Promise<string | null> {
  const { width, height, near, bound = 0 } = expectation
  if (rows.width !== width || rows.height !== height) return `${rows.width} × ${rows.height}`
  const rgb = new Uint8Array(rows.readRows(0, height))
  if (near === undefined) {
    const hash = await sha256Hex(rgb)
    return hash === (alpha === 'white' ? expectation.white : expectation.pixels) ? null : 'other pixels'
  }
  const distance = largestDifference(
    rgb,
    Uint8Array.from(atob(near), (letter) => letter.charCodeAt(0)),
  )
  return distance <= bound + slack ? null : `${distance} levels off`
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? 0))), 0)
}
