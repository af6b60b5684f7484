import { beforeEach, describe, expect, it, vi } from 'vitest'
import { AppError } from '../pack/failure.ts'
import { tableInMemory } from '../store/table.ts'
import {
  listed,
  seeMadeUp,
  SHAPE,
  takenMadeUp,
  vectorsOf,
  type MadeUpFolder,
} from '../../testing/search/made-up.ts'
import { dateOf, fileKey, type SearchEntry } from './entries.ts'
import { indexSource, type IndexProgress } from './indexing.ts'
import { BLOCK_PICTURES, PictureIndex } from './picture-index.ts'

const never = new AbortController().signal
const unheard: (progress: IndexProgress) => void = () => undefined
let entries: Map<string, SearchEntry>
let index: PictureIndex
const see = vi.fn(seeMadeUp)
const taken = takenMadeUp

const open = (model = 'model'): Promise<PictureIndex> =>
  PictureIndex.open(tableInMemory(entries), model, SHAPE)

async function run(
  folder: MadeUpFolder,
  { source = 'folder', into = index, signal = never, report = unheard } = {},
): Promise<IndexProgress> {
  const parts = { index: into, see, taken, report, signal, now: () => performance.now() }
  return indexSource(source, listed(source, folder), parts)
}

/** A folder with so many pictures, each of its own. */
function folderOf(count: number): Map<string, string> {
  return new Map(Array.from({ length: count }, (_, i) => [`2026/${i}.jpg`, `picture ${i}`]))
}

/** As a browser's `File`: it cannot be read any more when the file has changed. */
function changedOnceRead(file: Blob): Blob {
  const gone = (): Promise<never> => Promise.reject(new DOMException('', 'NotReadableError'))
  vi.spyOn(file, 'text').mockImplementation(gone)
  const first = file.arrayBuffer()
  vi.spyOn(file, 'arrayBuffer').mockReturnValueOnce(first).mockImplementation(gone)
  return file
}

/** Paths, and that each is found first by its own vector. */
async function found(one: PictureIndex, folder: MadeUpFolder): Promise<string[]> {
  for (const [path, text] of folder) {
    if (text.startsWith('!')) continue
    const [best] = one.score(vectorsOf(text).slice(0, SHAPE.width)).sort((a, b) => b.score - a.score)
    // Copies of one picture are alike.
    expect(best?.score, path).toBeCloseTo(1, 1.5)
    expect(folder.get(best?.facts.path ?? ''), path).toBe(text)
    const thumbnail = await one.thumbnail(best?.facts.sha256 ?? '')
    expect(new TextDecoder().decode(thumbnail)).toBe(`small ${text}`)
  }
  return one
    .pictures()
    .map(({ path }) => path)
    .sort()
}

beforeEach(async () => {
  see.mockClear()
  entries = new Map()
  index = await open()
})

describe('an index', () => {
  it('is the same when it is opened again, and what lies there is looked at once', async () => {
    const folder = folderOf(BLOCK_PICTURES + 20)
    expect(await run(folder)).toMatchObject({ done: 84, total: 84, refused: 0 })
    const again = await open()
    expect(await found(again, folder)).toEqual([...folder.keys()].sort())
    expect(await run(folder, { into: again })).toMatchObject({ total: 0 })
    expect(see).toHaveBeenCalledTimes(84)
    expect(again.bytes).toBeGreaterThan(84 * SHAPE.queries * SHAPE.width)
  })

  it('follows what changed, moved, was copied and went', async () => {
    const folder = folderOf(BLOCK_PICTURES + 6)
    await run(folder)
    see.mockClear()
    folder.set('2026/1.jpg', 'another picture')
    folder.set('moved/2.jpg', 'picture 2')
    folder.delete('2026/2.jpg')
    folder.set('copy of 3.jpg', 'picture 3')
    folder.delete('2026/4.jpg')
    expect(await run(folder)).toMatchObject({ total: 3 })
    expect(see).toHaveBeenCalledOnce()
    for (const one of [index, await open()])
      expect(await found(one, folder)).toEqual([...folder.keys()].sort())
    // What went took its small picture along.
    const small = [...entries.keys()].filter((key) => key.includes('/thumbnail/'))
    expect(small).toHaveLength(new Set(folder.values()).size)
  })

  it('knows when a picture was taken, and reads those anew that were indexed before it asked, without a look', async () => {
    const folder = new Map([
      ['a.jpg', 'camera @2001-02-03T04:05:06'],
      ['b.jpg', 'scanner'],
      ['c.jpg', '!words'],
    ])
    await run(folder)
    const dates = (one: PictureIndex): number[] => one.pictures().map(dateOf)
    const [, scanned] = listed('folder', folder)
    const expected = [new Date(2001, 1, 3, 4, 5, 6).getTime(), scanned?.modified]
    expect(dates(index)).toEqual(expected)
    // As versions left it that did not ask.
    for (const entry of entries.values())
      if (typeof entry === 'object' && 'pictures' in entry)
        for (const facts of entry.pictures) delete facts.taken
    const before = await open()
    expect(dates(before)).not.toEqual(expected)
    see.mockClear()
    expect(await run(folder, { into: before })).toMatchObject({ total: 2, refused: 0 })
    expect(see).not.toHaveBeenCalled()
    expect(dates(await open())).toEqual(expected)
    expect(await run(folder, { into: before })).toMatchObject({ total: 0 })
  })

  it('notes what is no picture, and tries it again only when it has changed', async () => {
    const folder = new Map([
      ['a.jpg', 'picture'],
      ['b.jpg', '!words'],
    ])
    expect(await run(folder)).toMatchObject({ done: 2, refused: 1 })
    expect(index.files('folder').get(fileKey({ source: 'folder', path: 'b.jpg' }))).toMatchObject({
      why: 'This is not a picture.',
    })
    expect(await run(folder)).toMatchObject({ total: 0 })
    folder.set('b.jpg', 'mended')
    expect(await run(folder)).toMatchObject({ total: 1, refused: 0 })
    expect(index.refusedCount).toBe(0)
    expect(await found(index, folder)).toEqual(['a.jpg', 'b.jpg'])
  })

  it('of one model knows nothing of what another has seen, and can be deleted', async () => {
    await run(folderOf(3))
    const other = await open('other model')
    expect(other.count).toBe(0)
    await run(folderOf(2), { into: other })
    await index.clear()
    expect(index.count).toBe(0)
    expect(index.score(vectorsOf('').slice(0, SHAPE.width))).toEqual([])
    expect((await open()).count).toBe(0)
    expect((await open('other model')).count).toBe(2)
    expect([...entries.keys()].every((key) => key.startsWith('index/other model/'))).toBe(true)
  })

  it('shows what another tab has written since', async () => {
    const folder = folderOf(BLOCK_PICTURES + 1)
    await run(folder)
    const beside = await open()
    folder.delete('2026/0.jpg')
    folder.set('new.jpg', 'new')
    await run(folder)
    expect(beside.picture(fileKey({ source: 'folder', path: 'new.jpg' }))).toBeUndefined()
    await beside.refresh()
    expect(await found(beside, folder)).toEqual([...folder.keys()].sort())
  })

  it('that was deleted and made anew is not taken for the old one by another tab', async () => {
    await run(folderOf(2))
    const beside = await open()
    await index.clear()
    await index.refresh()
    await new Promise((resolve) => setTimeout(resolve, 2))
    const other = new Map([['other.jpg', 'other']])
    await run(other)
    await beside.refresh()
    expect(await found(beside, other)).toEqual(['other.jpg'])
  })

  it('keeps sources apart', async () => {
    await run(folderOf(3), { source: 'one' })
    await run(folderOf(4), { source: 'other' })
    expect(see).toHaveBeenCalledTimes(4)
    await run(new Map(), { source: 'other' })
    expect(index.pictures().map(({ source }) => source)).toEqual(['one', 'one', 'one'])
  })
})

describe('indexing', () => {
  it('pauses when it is told to, keeps what it has, and goes on with the rest', async () => {
    const folder = folderOf(30)
    const pause = new AbortController()
    const report = ({ done }: IndexProgress): void => {
      if (done === 11) pause.abort()
    }
    await expect(run(folder, { signal: pause.signal, report })).rejects.toMatchObject({ code: 'cancelled' })
    expect((await open()).count).toBe(11)
    expect(await run(folder)).toMatchObject({ total: 19 })
    expect(see).toHaveBeenCalledTimes(30)
  })

  it('keeps what it has when the device goes away, and leaves out files that went meanwhile', async () => {
    see.mockImplementationOnce(seeMadeUp).mockRejectedValueOnce(new AppError('device-lost', 'Gone.'))
    await expect(run(folderOf(5))).rejects.toMatchObject({ code: 'device-lost' })
    expect((await open()).count).toBe(1)
    const files = listed('folder', folderOf(3)).map((file, i) =>
      i === 1 ? { ...file, open: () => Promise.reject(new DOMException('', 'NotFoundError')) } : file,
    )
    const parts = { index, see, taken, report: () => undefined, signal: never, now: () => 0 }
    expect(await indexSource('folder', files, parts)).toMatchObject({ done: 2, refused: 0 })
    expect(index.count).toBe(2)
  })

  it('looks at what was read of a file, whatever becomes of the file meanwhile', async () => {
    const files = listed('folder', folderOf(1)).map((file) => ({
      ...file,
      open: async () => changedOnceRead(await file.open()),
    }))
    const parts = { index, see, taken, report: unheard, signal: never, now: () => 0 }
    expect(await indexSource('folder', files, parts)).toMatchObject({ done: 1, refused: 0 })
  })

  it('says how long the rest will take', async () => {
    let now = 0
    const told: (number | null)[] = []
    const slowly = (image: Blob): ReturnType<typeof seeMadeUp> => {
      now += 1_000
      return seeMadeUp(image)
    }
    const report = ({ secondsLeft }: IndexProgress): void => void told.push(secondsLeft)
    const parts = { index, see: slowly, taken, report, signal: never, now: () => now }
    await indexSource('folder', listed('folder', folderOf(4)), parts)
    expect(told).toEqual([null, 3, 2, 1, 0])
  })

  it('says so when the disk is full, and what was there before stays', async () => {
    await run(folderOf(3))
    const table = tableInMemory(entries)
    const full = await PictureIndex.open(
      { ...table, setAll: () => Promise.reject(new AppError('no-space', 'No room for a model.')) },
      'model',
      SHAPE,
    )
    await expect(run(folderOf(20), { into: full })).rejects.toThrow(/no more pictures can be indexed/)
    expect(full.count).toBe(3)
    expect((await open()).count).toBe(3)
  })
})
