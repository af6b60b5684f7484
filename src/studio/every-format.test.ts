import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { fakeFolder, type FakeFolder } from '../../testing/state/fake-studio.ts'
import { captioned, MODEL } from '../../testing/studio/captioned.ts'
import { everyKind, textFor, type MadePicture } from '../../testing/studio/every-kind.ts'
import { parseRfc4180, readImageFolder, readMetaCap } from '../../testing/studio/readers.ts'
import { GREEDY } from '../pack/decoding.ts'
import { uncaptioned, type CaptionedPicture } from './caption.ts'
import { withExisting } from './existing.ts'
import { exported, type Exported, type ReadFile } from './export.ts'
import type { ExportFormat } from './export-formats.ts'
import { sortFolder } from './folder.ts'
import { stemOf } from './picture-files.ts'
import { sidecarNames } from './sidecar-names.ts'

/** As many as the readers of `npm run readers:studio` get: see there. */
const ROUNDS = 10

let made: MadePicture[] = []
let pictures: CaptionedPicture[] = []
beforeAll(async () => {
  made = await everyKind(ROUNDS)
  pictures = made.map(({ path }, i) => captioned(path, i))
})

async function written(format: ExportFormat): Promise<{ folder: FakeFolder; failed: Exported[] }> {
  const folder = fakeFolder('all', Object.fromEntries(made.map(({ path, bytes }) => [path, bytes])))
  const failed: Exported[] = []
  const read: ReadFile = (path) => Promise.resolve(folder.contents.get(path))
  const { signal } = new AbortController()
  const from = { pictures, chosen: new Set(pictures.map(({ path }) => path)), readFile: read }
  for await (const one of exported(from, { format, bom: false, xmpName: 'whole' }, signal)) {
    if (one.kind === 'file') folder.contents.set(one.path, one.content)
    else failed.push(one)
  }
  return { folder, failed }
}

const textIn = ({ contents }: FakeFolder, path: string): string =>
  new TextDecoder().decode(contents.get(path))

describe('220 pictures of every kind, broken ones among them,', () => {
  it('have sidecars of which none takes the place of another', async () => {
    const { folder, failed } = await written('txt')
    expect(failed).toEqual([])
    // plain.jpg and plain.png, exif.jpg and exif.webp, cut.jpg and cut.png.
    const twins = /(plain\.png|exif\.webp|cut\.png)$/
    for (const [i, { path }] of made.entries()) {
      const name = twins.test(path) ? path : stemOf(path)
      expect(textIn(folder, `${name}.txt`), path).toBe(`${textFor(i)}\n`)
    }
    expect(folder.contents.size).toBe(2 * made.length)
  })

  it('are an ImageFolder', async () => {
    const { folder } = await written('jsonl')
    const read = readImageFolder(textIn(folder, 'metadata.jsonl'), new Set(folder.contents.keys()))
    expect(made.map(({ path }) => read.get(path))).toEqual(made.map((_, i) => textFor(i)))
  })

  it('are a table by RFC 4180', async () => {
    const { folder } = await written('csv')
    const [header, ...rows] = parseRfc4180(textIn(folder, 'metadata.csv'))
    expect(header).toEqual(['file_name', 'text', 'score', 'model', 'settings', 'edited'])
    const byFile = new Map(rows.map((row) => [row[0], row]))
    for (const [i, { path }] of made.entries())
      expect(byFile.get(path)).toEqual([
        path,
        textFor(i),
        `${-i / 10}`,
        MODEL,
        JSON.stringify(GREEDY),
        'false',
      ])
  })

  it('are what kohya reads', async () => {
    const { folder, failed } = await written('kohya')
    const read = readMetaCap(textIn(folder, 'meta_cap.json'))
    expect(read.size).toBe(made.length - failed.length)
    expect(read.get('0-plain')).toBe(textFor(0))
  })

  it('have texts in their own files, whose pixels and profiles stay what they were', async () => {
    const { folder, failed } = await written('in-file')
    const refused = new Set(failed.map(({ path }) => path))
    expect([...refused]).toEqual(made.flatMap(({ path, holdsTexts }) => (holdsTexts ? [] : [path])))
    // libvips is a reader that is not ours; one of each kind is enough for it.
    for (const [i, { path, bytes, holdsTexts }] of made.slice(0, made.length / ROUNDS).entries()) {
      const after = folder.contents.get(path) ?? new Uint8Array()
      if (!holdsTexts) expect(after).toEqual(bytes)
      else {
        const [one, other] = [await sharp(bytes).metadata(), await sharp(after).metadata()]
        expect(other.xmp?.toString(), path).toContain('x-default')
        expect(other.icc).toEqual(one.icc)
        expect(other.exif?.includes(textFor(i)), path).toBe(true)
        const raw = (file: Uint8Array): Promise<Buffer> => sharp(file).raw().toBuffer()
        expect((await raw(after)).equals(await raw(bytes))).toBe(true)
      }
    }
  })

  it.each(['txt', 'xmp', 'in-file', 'csv', 'kohya'] as const)('as %s are read again', async (format) => {
    const { folder, failed } = await written(format)
    const refused = new Set(failed.map(({ path }) => path))
    const { signal } = new AbortController()
    const listed = await folder.list({ onFound: () => undefined, signal })
    const { pictures: sorted, files } = sortFolder(listed)
    const names = sidecarNames(sorted.map(({ path }) => path))
    const { pictures: read, failures } = await withExisting(
      sorted.map(({ path }) => uncaptioned(path)),
      { files, names, at: 2, signal, onProgress: () => undefined },
    )
    expect(failures).toEqual([])
    const texts = new Map(read.map(({ path, versions }) => [path, versions.at(-1)?.text]))
    for (const [i, { path }] of made.entries())
      if (!refused.has(path)) expect(texts.get(path), path).toBe(textFor(i))
  })

  it.each(['html', 'markdown'] as const)('are a page in %s', async (format) => {
    const { folder } = await written(format)
    const page = textIn(folder, format === 'html' ? 'captions.html' : 'captions.md')
    const addresses = [...page.matchAll(format === 'html' ? /<img src="([^"]*)" alt="/g : /\]\((\S+)\)$/gm)]
    expect(addresses.map(([, address = '']) => decodeURIComponent(address))).toEqual(
      made.map(({ path }) => path),
    )
  })
})
