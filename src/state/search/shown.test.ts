import { afterEach, expect, it, vi } from 'vitest'
import type { FoundPicture, Rematch } from '../../protocol/search-calls.ts'
import { phrasesOf } from './phrases.ts'
import { hasNothing, NO_FILTERS, shownPictures } from './shown.ts'

const found = (name: string, likeness: number | null, day = '2026-11-27'): FoundPicture => ({
  ...{ key: name, source: 'folder', path: `2026/${name}`, name, bytes: 1, sha256: name, width: 1, height: 1 },
  date: new Date(`${day}T12:00:00`).getTime(),
  likeness,
})
const PICTURES = [
  found('cat.png', 0.5),
  found('dog.png', 0.4, '2026-11-28'),
  found('Heart.jpg', 0.3, '2026-12-01'),
]
const match = (key: string, score: number): [string, Rematch] => [key, { key, match: 0.9, score }]
const names = (
  filters: Partial<typeof NO_FILTERS>,
  matches: [string, Rematch][] = [],
  pictures = PICTURES,
): string[] =>
  shownPictures(pictures, new Map(matches), { ...NO_FILTERS, ...filters }).map(({ name }) => name)

afterEach(() => vi.unstubAllEnvs())

it('puts what was looked at again first, by that, and leaves the rest as it was found', () => {
  expect(names({})).toEqual(['cat.png', 'dog.png', 'Heart.jpg'])
  expect(names({}, [match('dog.png', 1), match('Heart.jpg', 2)])).toEqual(['Heart.jpg', 'dog.png', 'cat.png'])
})

it('keeps to names, days and the least likeness', () => {
  expect(names({ name: ' HEART' })).toEqual(['Heart.jpg'])
  expect(names({ name: '2026/' })).toHaveLength(3)
  expect(names({ from: '2026-11-28' })).toEqual(['dog.png', 'Heart.jpg'])
  expect(names({ to: '2026-11-28' })).toEqual(['cat.png', 'dog.png'])
  expect(names({ from: '2026-11-28', to: '2026-11-28' })).toEqual(['dog.png'])
  expect(names({ from: 'soon' })).toHaveLength(3)
  expect(names({ least: 0.4 })).toEqual(['cat.png', 'dog.png'])
  expect(names({ least: 0.4 }, [], [found('all.png', null)])).toEqual(['all.png'])
})

it('shows the whole of a day that is longer than others', () => {
  vi.stubEnv('TZ', 'Europe/Berlin')
  const late = { ...found('late.png', null), date: new Date(2026, 9, 25, 23, 30).getTime() }
  expect(names({ from: '2026-10-25', to: '2026-10-25' }, [], [late])).toEqual(['late.png'])
})

it('asks for a folder where there is nothing, and none is on its way', () => {
  const index = { sources: [], pictures: 0, bytes: 0, otherBytes: 0 }
  const nothing = { index, indexing: null, waiting: [] }
  const indexing = (source: string): { source: string; progress: null } => ({ source, progress: null })
  expect(hasNothing({ search: nothing })).toBe(true)
  // Those of conversations come by themselves, at every visit.
  expect(hasNothing({ search: { ...nothing, indexing: indexing('conversations') } })).toBe(true)
  expect(hasNothing({ search: { ...nothing, indexing: indexing('folder') } })).toBe(false)
  expect(hasNothing({ search: { ...nothing, waiting: ['folder'] } })).toBe(false)
  expect(hasNothing({ search: { ...nothing, index: { ...index, pictures: 1 } } })).toBe(false)
  expect(hasNothing({ search: { ...nothing, index: null } })).toBe(false)
})

it('finds what a text names', () => {
  expect(phrasesOf('a red heart to the left of a cat')).toEqual(['a red heart', 'a cat'])
  expect(phrasesOf('A picture of two blue cups, an apple and a cat.')).toEqual([
    'two blue cups',
    'an apple',
    'a cat',
  ])
  expect(phrasesOf('heart')).toEqual(['heart'])
  expect(phrasesOf(' , and ')).toEqual([])
})
