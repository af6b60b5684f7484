/** Which pictures are shown and in which order, as people set it with a few fields. */
import { toFailure, type Failure } from '../../pack/failure.ts'
import { captionOf, type CaptionedPicture } from '../../studio/caption.ts'
import type { COUNTS } from '../../studio/counts.ts'
import { filtered, scoreOf, type Filter } from '../../studio/filters.ts'

export const KINDS = [
  'all',
  'missing',
  'captioned',
  'edited',
  'machine',
  'accepted',
  'failed',
  'alt-text-problem',
] as const
export const ORDERS = ['name', 'score', 'match', 'length'] as const

export interface Sieve {
  kind: (typeof KINDS)[number]
  find: string
  regular: boolean
  of: keyof typeof COUNTS
  /** Empty fields bound nothing. */
  atLeast: string
  atMost: string
  /** Of a model's own score. */
  scoreAtMost: string
  /** Of the match with the picture, from 0 to 1. */
  matchAtMost: string
  order: (typeof ORDERS)[number]
}

export const NO_SIEVE: Sieve = {
  kind: 'all',
  find: '',
  regular: false,
  of: 'words',
  atLeast: '',
  atMost: '',
  scoreAtMost: '',
  matchAtMost: '',
  order: 'name',
}

/** What is shown, and what is wrong with a pattern, for which everything is shown. */
export function shownPictures(
  pictures: readonly CaptionedPicture[],
  sieve: Sieve,
): { shown: CaptionedPicture[]; problem: Failure | null } {
  try {
    return { shown: ordered(filtered(pictures, filtersOf(sieve)), sieve.order), problem: null }
  } catch (error) {
    return { shown: [...pictures], problem: toFailure(error) }
  }
}

function filtersOf({ kind, find, regular, of, atLeast, atMost, scoreAtMost, matchAtMost }: Sieve): Filter[] {
  const filters: Filter[] = []
  if (kind === 'captioned') filters.push({ kind: 'not', filter: { kind: 'missing' } })
  else if (kind === 'machine') filters.push({ kind: 'machine-made' })
  else if (kind !== 'all') filters.push({ kind })
  if (find !== '') filters.push(regular ? { kind: 'pattern', find } : { kind: 'words', query: find })
  if (atLeast !== '' || atMost !== '')
    filters.push({ kind: 'length', of, atLeast: numberOr(atLeast, 0), atMost: numberOr(atMost, Infinity) })
  for (const [of, atMost] of [
    ['caption', scoreAtMost],
    ['match', matchAtMost],
  ] as const)
    if (atMost !== '')
      filters.push({ kind: 'score', of, atLeast: -Infinity, atMost: numberOr(atMost, Infinity) })
  return filters
}

function numberOr(text: string, otherwise: number): number {
  const value = Number(text)
  return text.trim() === '' || Number.isNaN(value) ? otherwise : value
}

/** The worst first, where there is a worst: what has no score stands behind. */
function ordered(pictures: CaptionedPicture[], order: Sieve['order']): CaptionedPicture[] {
  if (order === 'name') return pictures
  const value = (picture: CaptionedPicture): number =>
    order === 'length'
      ? captionOf(picture).length
      : (scoreOf(picture, order === 'score' ? 'caption' : 'match') ?? Infinity)
  return pictures
    .map((picture) => ({ picture, value: value(picture) }))
    .sort((one, other) => (one.value < other.value ? -1 : one.value > other.value ? 1 : 0))
    .map(({ picture }) => picture)
}
