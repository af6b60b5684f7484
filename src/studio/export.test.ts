import { describe, expect, it } from 'vitest'
import { fakeFolder, type FakeFolder } from '../../testing/state/fake-studio.ts'
import { GREEDY } from '../pack/decoding.ts'
import { captionOf, uncaptioned, withCaption, type Author, type CaptionedPicture } from './caption.ts'
import { applyChanges, planEdit } from './edits.ts'
import { withExisting } from './existing.ts'
import { exported } from './export.ts'
import type { ExportFormat } from './export-formats.ts'
import { sortFolder } from './folder.ts'
import { MACHINE_MADE, readXmp, writeXmp } from './formats/xmp.ts'
import { sidecarNames } from './sidecar-names.ts'

const MODEL: Author = { kind: 'model', model: 'm', prompt: '', settings: GREEDY }

function captioned(path: string, text = `words of ${path}`, by: Author = MODEL): CaptionedPicture {
  return withCaption(uncaptioned(path), { text, by, at: 1, score: null })
}

async function reread(folder: FakeFolder): Promise<CaptionedPicture[]> {
  const { signal } = new AbortController()
  const listed = await folder.list({ onFound: () => undefined, signal })
  const { pictures, files } = sortFolder(listed)
  const names = sidecarNames(pictures.map(({ path }) => path))
  const options = { files, names, at: 2, signal, onProgress: () => undefined }
  return (
    await withExisting(
      pictures.map(({ path }) => uncaptioned(path)),
      options,
    )
  ).pictures
}

/** Writes into the folder, and gives the pictures whose captions were refused with why. */
async function write(
  folder: FakeFolder,
  pictures: readonly CaptionedPicture[],
  format: ExportFormat,
  {
    xmpName = 'stem',
    chosen = pictures.map(({ path }) => path),
  }: { xmpName?: 'stem' | 'whole'; chosen?: string[] } = {},
): Promise<[string, string][]> {
  const refused: [string, string][] = []
  const from = {
    pictures,
    chosen: new Set(chosen),
    readFile: (path: string) => Promise.resolve(folder.contents.get(path)),
  }
  for await (const one of exported(from, { format, bom: false, xmpName }, new AbortController().signal))
    if (one.kind === 'file') folder.contents.set(one.path, one.content)
    else refused.push([one.path, one.failure.code])
  return refused
}

const textIn = ({ contents }: FakeFolder, path: string): string =>
  new TextDecoder().decode(contents.get(path))
const xmpIn = (folder: FakeFolder, path: string) => readXmp(textIn(folder, path))

describe('the mark of a machine in XMP', () => {
  const texts = { description: 'a red field', altText: 'A red field.', writer: MACHINE_MADE }
  const marked = (): FakeFolder => fakeFolder('x', { 'a.png': 'a', 'a.xmp': writeXmp(texts) })

  it('is read with the texts, and stands as long as nobody has looked at them', async () => {
    const folder = marked()
    const [picture = uncaptioned('')] = await reread(folder)
    expect(picture).toMatchObject({ altText: 'A red field.', altAccepted: false, accepted: false })
    await write(folder, [picture], 'xmp')
    expect(xmpIn(folder, 'a.xmp').writer).toBe(MACHINE_MADE)
  })

  it('goes along to another file, and through a step over many captions', async () => {
    const [picture = uncaptioned('')] = await reread(marked())
    const elsewhere = fakeFolder('y', {})
    const seen = { ...picture, altAccepted: true }
    const stepped = applyChanges([seen], planEdit([seen], { kind: 'suffix', text: '!' }), 'suffix', 3)
    await write(elsewhere, stepped, 'xmp')
    expect(xmpIn(elsewhere, 'a.xmp')).toMatchObject({ description: 'a red field!', writer: MACHINE_MADE })
  })

  it('stays for texts that this folder knows of a file, and for those that it has not got', async () => {
    const folder = marked()
    const file: Author = { kind: 'file', name: 'a.txt' }
    const other = { ...captioned('a.png', 'other words', file), altText: 'Mine.', altAccepted: true }
    await write(folder, [other], 'xmp')
    expect(xmpIn(folder, 'a.xmp')).toMatchObject({ description: 'other words', writer: MACHINE_MADE })
    await write(folder, [captioned('a.png', 'own words', { kind: 'person' })], 'xmp')
    expect(xmpIn(folder, 'a.xmp')).toMatchObject({ altText: 'Mine.', writer: MACHINE_MADE })
  })

  it('goes when a person has seen them all', async () => {
    const folder = marked()
    const [picture = uncaptioned('')] = await reread(folder)
    await write(folder, [{ ...picture, accepted: true, altAccepted: true }], 'xmp')
    expect(xmpIn(folder, 'a.xmp')).toMatchObject({ description: 'a red field', writer: '' })
  })
})

describe('pictures of one name with different endings', () => {
  const pictures = [captioned('a.jpg'), captioned('a.png')]

  it('have XMP of their own by their whole names, though one lies by the stem', async () => {
    const folder = fakeFolder('x', { 'a.xmp': writeXmp({ description: 'old' }) })
    expect(await write(folder, pictures, 'xmp', { xmpName: 'whole' })).toEqual([])
    expect(xmpIn(folder, 'a.xmp').description).toBe('words of a.jpg')
    expect(xmpIn(folder, 'a.png.xmp').description).toBe('words of a.png')
  })

  it.each(['txt', 'caption', 'xmp'] as const)(
    'have a .%s each: the first by the short name, chosen or not',
    async (format) => {
      const folder = fakeFolder('x', {})
      for (const chosen of ['a.jpg', 'a.png'])
        expect(await write(folder, pictures, format, { chosen: [chosen] })).toEqual([])
      expect(textIn(folder, `a.${format}`)).toContain('words of a.jpg')
      expect(textIn(folder, `a.png.${format}`)).toContain('words of a.png')
    },
  )

  it('leave a table that names pictures without their endings to the first', async () => {
    const folder = fakeFolder('x', {})
    await write(folder, pictures, 'kohya', { chosen: ['a.jpg'] })
    expect(await write(folder, pictures, 'kohya', { chosen: ['a.png'] })).toEqual([['a.png', 'bad-usage']])
    expect(textIn(folder, 'meta_cap.json')).toContain('words of a.jpg')
  })

  it('are read as they are written, each its own, whatever lies beside', async () => {
    for (const format of ['txt', 'caption', 'xmp', 'kohya'] as const) {
      const folder = fakeFolder('x', { 'a.jpg': 'x', 'a.png': 'x' })
      await write(folder, pictures, format)
      const second = format === 'kohya' ? '' : 'words of a.png'
      expect((await reread(folder)).map(captionOf), format).toEqual(['words of a.jpg', second])
    }
  })

  it('leave the short name to the one that can be read', async () => {
    const folder = fakeFolder('x', { 'b.heic': 'x', 'b.jpg': 'x', 'b.txt': 'words of b' })
    expect((await reread(folder)).map(captionOf)).toEqual(['', 'words of b'])
  })

  it('share no name with a picture that has one of theirs in its own', async () => {
    const three = [...pictures, captioned('a.png.jpg')]
    const folder = fakeFolder('x', {})
    expect(await write(folder, three, 'txt')).toEqual([['a.png', 'bad-usage']])
    expect(textIn(folder, 'a.png.txt')).toContain('words of a.png.jpg')
  })
})

it.each([
  ['metadata.jsonl', String.raw`{"file_name":".\\sub\\a.png","text":"x"}`],
  ['metadata.csv', 'file_name,text\r\n./.\\sub\\a.png,x\r\n'],
  ['meta_cap.json', '{"./sub/a":{"caption":"x"}}'],
  ['sub/meta_cap.json', String.raw`{".\\a":{"caption":"x"}}`],
])('A picture finds its caption in %s however its path is written: %s', async (name, table) => {
  const folder = fakeFolder('x', { 'sub/a.png': 'a', [name]: table })
  expect((await reread(folder)).map(captionOf)).toEqual(['x'])
})

it('XMP that is not in UTF-8 is neither read nor written over, and it is said why', async () => {
  const latin1 = Uint8Array.from(
    writeXmp({ description: 'Caf\u00e9' }),
    (letter) => letter.charCodeAt(0) & 255,
  )
  const folder = fakeFolder('x', { 'a.png': 'a', 'a.xmp': latin1 })
  expect((await reread(folder)).map(captionOf)).toEqual([''])
  expect(await write(folder, [captioned('a.png')], 'xmp')).toEqual([['a.png', 'bad-file']])
  expect(folder.contents.get('a.xmp')).toEqual(latin1)
})
