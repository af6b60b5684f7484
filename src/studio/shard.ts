/** A fixed share of a folder's pictures, for one of several computers that work on it at once. */
import { AppError } from '../pack/failure.ts'
import { stemOf } from './picture-files.ts'

export interface Shard {
  /** From 1. */
  number: number
  of: number
}

export const WHOLE: Shard = { number: 1, of: 1 }
/** More than any scheduler starts, and file names stay short. */
const MOST_SHARDS = 100_000

/** From `3/16`. Throws `bad-usage`. */
export function parseShard(text: string): Shard {
  const [, number, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []
  const shard = { number: Number(number), of: Number(of) }
  if (shard.number >= 1 && shard.number <= shard.of && shard.of <= MOST_SHARDS) return shard
  throw new AppError('bad-usage', `"${text}" is no share of the pictures; give one such as 3/16.`)
}

/**
 * Whether a picture is of this share. It is for every picture the same wherever and however often one asks, whatever
 * else lies in the folder; pictures that would share a sidecar are of the same share.
 */
export function isInShard(path: string, { number, of }: Shard): boolean {
  return fnv1a(stemOf(path).normalize('NFC')) % of === number - 1
}

/** `3-of-16`, as it stands in names of files; '' for all pictures. */
export function shardName({ number, of }: Shard): string {
  return of === 1 ? '' : `${number}-of-${of}`
}

/** FNV-1a, 32 bits, over UTF-8 (Fowler, Noll and Vo). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
