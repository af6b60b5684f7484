import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openPackFolder } from '../cli/files.ts'
import { toKept, withRemoval, withUndone, type KeptConversation } from '../conversation/kept.ts'
import { rowsOf } from '../image/pixels.ts'
import { pictureOf } from '../image/read-picture.ts'
import { AppError } from '../pack/failure.ts'
import type { PackReader } from '../pack/manifest.ts'
import type { ComparingChoice } from '../protocol/compare-calls.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import type { SearchEntry } from '../search/entries.ts'
import { conversationLibrary } from '../store/conversation-library.ts'
import { locksInMemory } from '../store/locks.ts'
import { tableInMemory } from '../store/table.ts'
import { Comparer } from './comparer.ts'
import { Searcher, type SearcherParts } from './searcher.ts'

const never = new AbortController().signal
const unheard = (): void => undefined
const FOLDER = 'public/models/drawn-scenes-retrieval'

/** The built-in model, or one of the same shape with other weights, as far as its manifest says. */
async function openPack(id: string): Promise<PackReader> {
  const pack = await openPackFolder(FOLDER)
  if (id === 'built-in') return pack
  const files = pack.manifest.files.map((file) => ({
    ...file,
    chunks: file.chunks.map((chunk) => ({ ...chunk, sha256: `0${chunk.sha256.slice(1)}` })),
  }))
  return { manifest: { ...pack.manifest, files }, file: (path, signal) => pack.file(path, signal) }
}

const choice = (id: string): ComparingChoice => ({
  pack: { kind: 'kept', id },
  prefer: 'wasm',
  besideBytes: 0,
})
const choose = (id: string): Promise<unknown> => comparer.choose(choice(id), unheard, never)

/** A grey picture, whose file is its shade. */
const file = (path: string, shade: number): { path: string; file: File } => ({
  path,
  file: new File([Uint8Array.of(shade)], path, { lastModified: 1_000 + shade }),
})

let entries: Map<string, SearchEntry>
let comparer: Comparer
let searcher: Searcher
/** In place of one in which nothing lies. */
let library: Partial<SearcherParts['library']> = {}
const thumbnail = vi.fn<SearcherParts['thumbnail']>()

beforeEach(() => begin())

async function begin(): Promise<void> {
  thumbnail.mockReset()
  thumbnail.mockImplementation(() => Promise.resolve({ bytes: Uint8Array.of(1), width: 8, height: 4 }))
  entries = new Map()
  comparer = new Comparer({
    openPack: (place) => openPack(place.kind === 'kept' ? place.id : ''),
    openCompute: () => openCompute('wasm'),
    readPicture: async (image, preprocessing) => {
      const [shade = 0] = new Uint8Array(await image.arrayBuffer())
      return pictureOf(rowsOf(8, 4, new Uint8Array(8 * 4 * 3).fill(shade)), preprocessing)
    },
  })
  searcher = new Searcher({
    comparer,
    table: tableInMemory(entries),
    locks: locksInMemory(),
    library: {
      conversations: () => Promise.resolve({ kept: [], damaged: 0 }),
      picture: () => Promise.resolve(undefined),
      ...library,
    },
    thumbnail,
    now: () => performance.now(),
  })
  await choose('built-in')
}

afterEach(() => comparer.release(null, unheard, never))

const pictures = async (): Promise<number> => (await searcher.searchState(null, unheard, never)).pictures

it('puts nothing of one model into the index of another that is chosen meanwhile', async () => {
  const files = [file('a.png', 1), file('b.png', 2), file('c.png', 3), file('notes.txt', 4)]
  const source = await searcher.addFolder({ name: 'folder', handle: null, files }, unheard, never)
  let chosen: Promise<unknown> = Promise.resolve()
  thumbnail.mockImplementationOnce(() => {
    chosen = choose('other')
    return Promise.resolve({ bytes: Uint8Array.of(1), width: 8, height: 4 })
  })
  const indexing = searcher.index({ source }, unheard, never)
  await expect(indexing).rejects.toMatchObject({ code: 'cancelled' })
  await chosen
  expect(await pictures()).toBe(0)
  await choose('built-in')
  expect(await pictures()).toBe(1)
  // What is no picture by its name is not counted, of files that were lent as little as of a folder.
  expect(await searcher.index({ source }, unheard, never)).toMatchObject({ total: 2, refused: 0 })
  const keys = ['a.png', 'b.png'].map((path) => `${source}\n${path}`)
  const asked = [
    searcher.find({ kind: 'words', text: 'a cat' }, unheard, never),
    searcher.rematch({ text: 'a cat', keys }, unheard, never),
  ]
  chosen = choose('other')
  for (const one of asked) await expect(one).rejects.toMatchObject({ code: 'cancelled' })
  await chosen
})

it('finds no picture of a conversation that was deleted, until that is taken back, and none that belongs to no conversation', async () => {
  const lying = conversationLibrary({ conversations: tableInMemory(), pictures: tableInMemory() })
  library = lying
  await begin()
  library = {}
  const conversation = (id: string): KeptConversation => {
    const answer = {
      status: 'failed',
      text: '',
      failure: { code: 'cancelled', message: 'Stopped.' },
    } as const
    const turns = [{ id: `turn ${id}`, parent: null, question: null, answers: { [id]: answer } }]
    return toKept({ id, changedAt: 1, pictures: [{ id, name: `${id}.png` }], turns, chosen: {} })
  }
  for (const id of ['a', 'b', 'stray']) await lying.keepPicture({ id, image: new Blob([id]), addedAt: 1 })
  const [a, b] = [conversation('a'), conversation('b')]
  const removal = { id: 'removal', tab: 'tab', turns: null, status: 'undoable' } as const
  for (const one of [a, withRemoval(b, removal)]) await lying.merge(one)
  const names = async (): Promise<string[]> => {
    await searcher.index({ source: 'conversations' }, unheard, never)
    const { pictures } = await searcher.find({ kind: 'all' }, unheard, never)
    return pictures.map(({ name }) => name).sort()
  }
  expect(await names()).toEqual(['a.png'])
  await lying.merge(withUndone(withRemoval(b, removal), 'removal'))
  expect(await names()).toEqual(['a.png', 'b.png'])
  await lying.merge(withRemoval(a, { ...removal, id: 'other' }))
  expect(await names()).toEqual(['b.png'])
})

it('lets go of all that a crash left of a source, of files that are no picture as well', async () => {
  const files = [file('a.png', 1), file('b.png', 2)]
  const source = await searcher.addFolder({ name: 'folder', handle: null, files }, unheard, never)
  thumbnail.mockRejectedValueOnce(new AppError('bad-image', 'This is not a picture.'))
  expect(await searcher.index({ source }, unheard, never)).toMatchObject({ done: 2, refused: 1 })
  entries.delete(`source/${source}`)
  await searcher.index({ source: 'conversations' }, unheard, never)
  expect(JSON.stringify([...entries])).not.toContain('.png')
})

it('looks at no further picture while it is held, and goes on or stops when it is told to', async () => {
  const files = [file('a.png', 1), file('b.png', 2)]
  const source = await searcher.addFolder({ name: 'folder', handle: null, files }, unheard, never)
  const hold = (held: boolean): Promise<null> => searcher.holdIndexing({ held }, unheard, never)
  await hold(true)
  await hold(true)
  const stop = new AbortController()
  const stopped = searcher.index({ source }, unheard, stop.signal)
  stop.abort()
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' })
  const told: number[] = []
  const indexed = searcher.index({ source }, ({ done }) => told.push(done), never)
  await vi.waitFor(() => expect(told).toEqual([0]))
  // Whoever asks does not wait for what is held.
  for (const text of ['a cat', 'a dog', 'a heart'])
    await searcher.find({ kind: 'words', text }, unheard, never)
  expect(thumbnail).not.toHaveBeenCalled()
  await hold(false)
  expect(await indexed).toMatchObject({ done: 2 })
})

it('says what indexes of other models take, and lets go of those alone', async () => {
  const files = [file('a.png', 1), file('b.png', 2)]
  const source = await searcher.addFolder({ name: 'folder', handle: null, files }, unheard, never)
  await searcher.index({ source }, unheard, never)
  const { bytes, otherBytes } = await searcher.searchState(null, unheard, never)
  expect([bytes > 2 * 32 * 64, otherBytes]).toEqual([true, 0])
  await choose('other')
  expect(await searcher.searchState(null, unheard, never)).toMatchObject({ bytes: 0, otherBytes: bytes })
  await searcher.index({ source }, unheard, never)
  expect(await searcher.clearOtherIndexes(null, unheard, never)).toMatchObject({ pictures: 2, otherBytes: 0 })
  await choose('built-in')
  expect(await searcher.searchState(null, unheard, never)).toMatchObject({ pictures: 0, otherBytes: bytes })
  expect((await searcher.searchState(null, unheard, never)).sources).toHaveLength(2)
})
