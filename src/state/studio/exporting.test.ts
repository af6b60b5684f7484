import sharp from 'sharp'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { readDirectory, readEntry } from '../../archive/zip-reader.ts'
import {
  fakeBrowser,
  openPage,
  type FakeBrowser,
  type FakePage,
} from '../../../testing/state/fake-browser.ts'
import { fakeFolder, type FakeFolder } from '../../../testing/state/fake-studio.ts'
import { captionOf } from '../../studio/caption.ts'
import { planEdit } from '../../studio/edits.ts'
import { xmpInFile } from '../../studio/in-file/write-texts.ts'

let jpeg = new Uint8Array()
beforeAll(async () => {
  const plain = sharp({ create: { width: 4, height: 4, channels: 3, background: '#a00' } })
  jpeg = new Uint8Array(await plain.jpeg().toBuffer())
})

async function openedWith(
  files: Record<string, string | Uint8Array>,
  change: (folder: FakeFolder) => FakeFolder = (folder) => folder,
): Promise<{ page: FakePage; folder: FakeFolder; browser: FakeBrowser }> {
  const browser = fakeBrowser()
  const folder = change(fakeFolder('holiday', files))
  browser.folders.set('holiday', folder)
  const page = openPage({ browser })
  await page.store.getState().studioActions.choose()
  return { page, folder, browser }
}

const OPTIONS = { bom: false, xmpName: 'stem' } as const
const studioOf = ({ store }: FakePage) => store.getState().studio
const files = (): Record<string, string | Uint8Array> => ({
  'a.jpg': jpeg,
  'a.txt': 'a red field',
  'b.png': 'x',
})

describe('captions that go into the pictures’ own files', () => {
  it('leave a file changed and nothing beside it', async () => {
    const { page, folder } = await openedWith(files())
    await page.store
      .getState()
      .studioActions.exportAll({ ...OPTIONS, format: 'in-file' }, 'folder', ['a.jpg'])
    expect(studioOf(page).exported).toEqual({ files: 1, pictures: 1, failures: [] })
    expect(xmpInFile(folder.contents.get('a.jpg') ?? jpeg)).toContain('a red field')
    expect([...folder.contents.keys()]).toEqual(['a.jpg', 'a.txt', 'b.png'])
  })

  it('leave the original where what was written does not come back', async () => {
    let isFaulty = true
    const { page, folder } = await openedWith(files(), (good) => ({
      ...good,
      write: async (path, content) => {
        const bytes = new Uint8Array(await content.arrayBuffer())
        if (path === 'a.jpg' && isFaulty) {
          isFaulty = false
          bytes[bytes.length - 9] = 0
        }
        good.contents.set(path, bytes)
      },
    }))
    await page.store
      .getState()
      .studioActions.exportAll({ ...OPTIONS, format: 'in-file' }, 'folder', ['a.jpg'])
    expect(studioOf(page).exported).toMatchObject({ files: 0, failures: [{ failure: { code: 'corrupt' } }] })
    expect(folder.contents.get('a.jpg')).toEqual(jpeg)
  })

  it('leave a file alone that another program changed meanwhile', async () => {
    let opened = 0
    // As large as it was.
    const other = Uint8Array.from(jpeg, (byte, i) => (i === jpeg.length - 9 ? byte ^ 1 : byte))
    const { page, folder } = await openedWith(files(), (good) => ({
      ...good,
      open: (path) => {
        if (path === 'a.jpg' && (opened += 1) === 2) good.contents.set(path, other)
        return good.open(path)
      },
    }))
    await page.store
      .getState()
      .studioActions.exportAll({ ...OPTIONS, format: 'in-file' }, 'folder', ['a.jpg'])
    expect(studioOf(page).exported).toMatchObject({ files: 0, failures: [{ failure: { code: 'busy' } }] })
    expect(folder.contents.get('a.jpg')).toEqual(other)
  })

  it('are put in by reading each file once, and once more when it is new', async () => {
    const read: string[] = []
    const { page } = await openedWith(files(), (good) => ({
      ...good,
      open: async (path) => {
        const file = await good.open(path)
        if (file !== undefined)
          Object.assign(file, {
            arrayBuffer: () => {
              read.push(path)
              return Blob.prototype.arrayBuffer.call(file)
            },
          })
        return file
      },
    }))
    await page.store
      .getState()
      .studioActions.exportAll({ ...OPTIONS, format: 'in-file' }, 'folder', ['a.jpg'])
    expect(read).toEqual(['a.jpg', 'a.jpg.pictalk-original', 'a.jpg'])
  })

  it('have the original beside the file until that was read back', async () => {
    const seen: string[][] = []
    const { page, folder } = await openedWith(files(), (good) => ({
      ...good,
      write: (path, content) => {
        if (path === 'a.jpg') seen.push([...good.contents.keys()])
        return good.write?.(path, content) ?? Promise.resolve()
      },
    }))
    await page.store
      .getState()
      .studioActions.exportAll({ ...OPTIONS, format: 'in-file' }, 'folder', ['a.jpg'])
    expect(seen).toEqual([['a.jpg', 'a.txt', 'b.png', 'a.jpg.pictalk-original']])
    expect(folder.contents.has('a.jpg.pictalk-original')).toBe(false)
  })
})

describe('captions of a folder', () => {
  it('are merged into the XMP that lies beside a picture, whichever of its two names it has', async () => {
    const packet =
      '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>'
    const { page, folder } = await openedWith({ ...files(), 'a.jpg.xmp': packet })
    await page.store.getState().studioActions.exportAll({ ...OPTIONS, format: 'xmp' }, 'folder', ['a.jpg'])
    const written = new TextDecoder().decode(folder.contents.get('a.jpg.xmp'))
    expect(written).toContain('xmp:Rating="4"')
    expect(written).toContain('a red field')
    expect(folder.contents.has('a.xmp')).toBe(false)
  })

  it('come as a ZIP file where nothing can be written, and what has none is left out', async () => {
    const { page } = await openedWith(files())
    await page.store
      .getState()
      .studioActions.exportAll({ ...OPTIONS, format: 'caption' }, 'zip', ['a.jpg', 'b.png'])
    const [zip] = page.offered
    expect(zip?.name).toBe('holiday.zip')
    const file = zip?.file ?? new Blob()
    const entries = [...(await readDirectory(file, 9)).values()]
    const texts = await Promise.all(
      entries.map(async (entry) => [entry.name, await (await readEntry(file, entry)).text()]),
    )
    expect(texts).toEqual([['a.caption', 'a red field\n']])
  })
})

describe('corrections', () => {
  it('of many are one step, which is taken back on the disk, too', async () => {
    const { page } = await openedWith({ ...files(), 'b.txt': 'a blue field' })
    const { apply, undo } = page.store.getState().studioActions
    const edit = { kind: 'replace', find: 'field', by: 'square', regular: false, matchCase: true } as const
    apply(planEdit(studioOf(page).pictures, edit), 'replace')
    expect(studioOf(page).pictures.map(({ versions }) => versions.at(-1)?.text)).toEqual([
      'a red square',
      'a blue square',
    ])
    undo()
    await page.store.getState().studioActions.close()
    const [project] = studioOf(page).projects
    await page.store.getState().studioActions.reopen(project?.id ?? '')
    expect(studioOf(page).pictures.map(({ versions }) => versions.map(({ text }) => text))).toEqual([
      ['a red field'],
      ['a blue field'],
    ])
  })

  it('can be taken back and done again on another visit', async () => {
    const { page, browser } = await openedWith({ ...files(), 'b.txt': 'a blue field' })
    const { apply, undo, accept } = page.store.getState().studioActions
    const suffix = (text: string): void =>
      apply(planEdit(studioOf(page).pictures, { kind: 'suffix', text }), 'suffix')
    suffix('!')
    accept('b.png')
    suffix('?')
    undo()
    await page.store.getState().studioActions.close()
    const later = openPage({ browser })
    await later.store.getState().studioActions.choose()
    const said = (): string[] => studioOf(later).pictures.map(captionOf)
    const { undo: back, redo: again } = later.store.getState().studioActions
    expect(said()).toEqual(['a red field!', 'a blue field!'])
    again()
    expect(said()).toEqual(['a red field!?', 'a blue field!?'])
    for (let i = 0; i < 3; i += 1) back()
    expect(said()).toEqual(['a red field', 'a blue field'])
    expect(studioOf(later).history).toMatchObject({ done: [], undone: [{}, {}, {}] })
  })

  it('make alternative texts that are machine-made until a person accepts them', async () => {
    const { page } = await openedWith(files())
    const { fillAltTexts, acceptAltText, writeAltText } = page.store.getState().studioActions
    expect(fillAltTexts(['b.png'])).toBe(0)
    expect(fillAltTexts(['a.jpg', 'b.png'])).toBe(1)
    expect(studioOf(page).pictures[0]).toMatchObject({ altText: 'A red field.', altAccepted: false })
    acceptAltText('a.jpg')
    expect(studioOf(page).pictures[0]).toMatchObject({ altAccepted: true })
    writeAltText('b.png', 'An x.')
    await vi.waitFor(() =>
      expect(studioOf(page).pictures[1]).toMatchObject({ altText: 'An x.', altAccepted: true }),
    )
  })
})
