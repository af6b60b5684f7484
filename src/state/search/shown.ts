/** Which of what was found is shown, and in which order. */
import { CONVERSATIONS, type FoundPicture, type Rematch } from '../../protocol/search-calls.ts'
import type { Search } from './search-slice.ts'

export interface SearchFilters {
  /** Part of a name or path, whatever its case. */
  name: string
  /** Days as `2026-11-27`, the first and the last that are shown; empty for no bound. */
  from: string
  to: string
  /** The least likeness of what is shown, from 0 to 1; nothing where nothing was asked for. */
  least: number
}

export const NO_FILTERS: SearchFilters = { name: '', from: '', to: '', least: 0 }

export interface ShownPicture extends FoundPicture {
  /** Probability that the words fit, where it was looked at again. */
  match: number | null
}

/** What was looked at again comes first, in the order of that; the rest stays as it was found. */
export function shownPictures(
  found: readonly FoundPicture[],
  matches: ReadonlyMap<string, Rematch>,
  { name, from, to, least }: SearchFilters,
): ShownPicture[] {
  const wanted = name.trim().toLowerCase()
  const [first, last] = [midnight(from, 0) ?? -Infinity, midnight(to, 1) ?? Infinity]
  const shown = found.filter(
    (picture) =>
      (wanted === '' || `${picture.name}\n${picture.path}`.toLowerCase().includes(wanted)) &&
      picture.date >= first &&
      picture.date < last &&
      (picture.likeness ?? 1) >= least,
  )
  const again = shown
    .flatMap((picture) => {
      const rematch = matches.get(picture.key)
      return rematch === undefined ? [] : [{ ...picture, match: rematch.match, score: rematch.score }]
    })
    .sort((a, b) => b.score - a.score)
  const rest = shown.filter(({ key }) => !matches.has(key)).map((picture) => ({ ...picture, match: null }))
  return [...again, ...rest]
}

/** Whether there is nothing to search in, and no folder on its way: then one is asked for. */
export function hasNothing({ search }: { search: Pick<Search, 'index' | 'indexing' | 'waiting'> }): boolean {
  const { index, indexing, waiting } = search
  const isFolder = indexing !== null && indexing.source !== CONVERSATIONS
  return index?.pictures === 0 && waiting.length === 0 && !isFolder
}

/** Midnight some days after a day (days are not all as long), where the page is; undefined for what is no day. */
function midnight(day: string, later: number): number | undefined {
  const [year, month, date] = day.split('-').map(Number)
  if (year === undefined || month === undefined || date === undefined) return undefined
  const start = new Date(year, month - 1, date + later).getTime()
  return Number.isNaN(start) ? undefined : start
}
