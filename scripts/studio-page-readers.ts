/**
 * 220 pictures of every kind, broken ones among them, through the caption studio of a real Chromium: captioned by the
 * built-in model, written into the folder in every format, and read back by ExifTool, Exiv2 and Python. What they read must
 * be what the page keeps. The folder is one of the browser's own, which is written through the same handles as one of the
 * computer's. Wants a built page (`npm run build`).
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { expect, type Page } from '@playwright/test'
import { isRecord } from '../src/pack/json.ts'
import { sidecarNames } from '../src/studio/sidecar-names.ts'
import { comparePaths } from '../src/studio/picture-files.ts'
import { startChromium } from '../testing/kills/chromium.ts'
import { keptCaptions, openStudio } from '../testing/kills/studio.ts'
import { freePort, openBuiltSite } from '../testing/servers/built-site.ts'
import { everyKind } from '../testing/studio/every-kind.ts'
import { CHANGED, checking, exifTool, exiv2Says, python, TABLES } from '../testing/studio/foreign-readers.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10' } } })
const FORMATS = [
  'Text beside each picture (.txt)',
  'Text beside each picture (.caption)',
  'Hugging Face ImageFolder (metadata.jsonl)',
  'Table (metadata.csv)',
  'kohya (meta_cap.json)',
  'JSON (captions.json)',
  'XMP beside each picture',
  'HTML page with figures',
  'Markdown with figures',
  'Inside JPEG, PNG and WebP files (XMP, EXIF, IPTC)',
]

const made = await everyKind(Number(values.rounds))
const root = await mkdtemp(join(process.env['PICTALK_TMP'] ?? tmpdir(), 'pictalk-studio-page-'))
const site = openBuiltSite(root, await freePort())
await site.start()
const { page, kill } = await startChromium(join(root, 'profile'))
const { check, faults } = checking()

async function intoFolder(page: Page, files: readonly { path: string; bytes: Uint8Array }[]): Promise<void> {
  for (const { path, bytes } of files)
    await page.evaluate(
      async ([path, base64]) => {
        const { showDirectoryPicker } = window as unknown as {
          showDirectoryPicker: () => Promise<FileSystemDirectoryHandle>
        }
        let folder = await showDirectoryPicker()
        const names = path.split('/')
        const name = names.pop() ?? ''
        for (const one of names) folder = await folder.getDirectoryHandle(one, { create: true })
        const file = await (await folder.getFileHandle(name, { create: true })).createWritable()
        await file.write(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)))
        await file.close()
      },
      [path, Buffer.from(bytes).toString('base64')] as const,
    )
}

/** Everything that lies in the page's folder, on the disk. */
async function outOfFolder(page: Page, target: string): Promise<string[]> {
  const files = await page.evaluate(async () => {
    const { showDirectoryPicker } = window as unknown as {
      showDirectoryPicker: () => Promise<FileSystemDirectoryHandle>
    }
    const found: [string, string][] = []
    const walk = async (folder: FileSystemDirectoryHandle, below: string): Promise<void> => {
      for await (const [name, entry] of folder)
        if (entry instanceof FileSystemDirectoryHandle) await walk(entry, `${below}${name}/`)
        else if (entry instanceof FileSystemFileHandle) {
          const bytes = new Uint8Array(await (await entry.getFile()).arrayBuffer())
          found.push([
            `${below}${name}`,
            btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')),
          ])
        }
    }
    await walk(await showDirectoryPicker(), '')
    return found
  })
  for (const [path, base64] of files) {
    await mkdir(dirname(join(target, path)), { recursive: true })
    await writeFile(join(target, path), Buffer.from(base64, 'base64'))
  }
  return files.map(([path]) => path)
}

async function throughThePage(page: Page): Promise<Map<string, string>> {
  await openStudio(page, site.url)
  await intoFolder(page, made)
  await page.getByRole('button', { name: 'Open a folder' }).click()
  // A tenth of them has a caption inside.
  await page.getByText('How pictures are captioned').click()
  await page.getByLabel('Texts that are there').selectOption('are replaced')
  await page.getByRole('button', { name: `Caption ${made.length} pictures` }).click({ timeout: 120_000 })
  await expect(page.getByRole('button', { name: 'Stop' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Stop' })).toHaveCount(0, { timeout: 1_200_000 })
  const kept = await keptCaptions(page)
  await page.getByText('Export', { exact: true }).click()
  for (const format of FORMATS) {
    await page.getByRole('combobox', { name: /^As\b/ }).selectOption(format)
    await page.getByRole('button', { name: /^Write into the folder/ }).click()
    if (format.startsWith('Inside')) await page.getByRole('button', { name: 'Change the files' }).click()
    await expect(page.getByRole('button', { name: /^Write into the folder/ })).toBeVisible({
      timeout: 300_000,
    })
    console.log(`${format}: ${await page.getByText(/files? written/).textContent()}`)
  }
  return new Map(kept.flatMap(({ path, texts }) => (texts.at(-1) ? [[path, texts.at(-1) ?? '']] : [])))
}

function checkTables(folder: string, captions: ReadonlyMap<string, string>): void {
  const names = sidecarNames(made.map(({ path }) => path).sort(comparePaths))
  for (const [name, script] of Object.entries(TABLES)) {
    const read = python(script, join(folder, name))
    const rows = isRecord(read) ? read : {}
    for (const [path, text] of captions) {
      if (name === 'meta_cap.json' && names.ownerOf(path) !== path) continue
      check(`${name}, ${path}`, rows[name === 'meta_cap.json' ? path.replace(/\.\w+$/, '') : path], text)
    }
  }
}

async function checkFiles(folder: string, captions: ReadonlyMap<string, string>): Promise<void> {
  const original = join(root, 'before')
  for (const { path, bytes } of made) {
    await mkdir(dirname(join(original, path)), { recursive: true })
    await writeFile(join(original, path), bytes)
  }
  const names = sidecarNames(made.map(({ path }) => path).sort(comparePaths))
  const paths = [...captions.keys()]
  const inside = paths.filter((path) => made.some((one) => one.path === path && one.holdsTexts))
  const rest = ['-a', '-G1', '-u', ...CHANGED]
  const [before, after] = [exifTool(original, inside, ...rest), exifTool(folder, inside, ...rest)]
  const said = exifTool(folder, inside, '-Description', '-ImageDescription', '-IPTC:Caption-Abstract')
  const beside = exifTool(
    folder,
    paths.map((path) => `${names.of(path)[0]}.xmp`),
    '-XMP:Description',
  )
  for (const [path, text] of captions) {
    const [name] = names.of(path)
    for (const ending of ['txt', 'caption'])
      check(`${path}, ${ending}`, await readFile(join(folder, `${name}.${ending}`), 'utf8'), `${text}\n`)
    check(`${path}, XMP beside`, beside.get(`${name}.xmp`)?.['Description'], text)
    check(`${path}, XMP beside by Exiv2`, exiv2Says(join(folder, `${name}.xmp`), 'Xmp.dc.description'), text)
  }
  for (const path of inside) {
    const text = captions.get(path)
    const isJpeg = /\.jpe?g$/.test(path)
    const { Description, ImageDescription, 'Caption-Abstract': iptc } = said.get(path) ?? {}
    check(
      `${path}, inside`,
      [Description, ImageDescription, iptc ?? null],
      [text, text, isJpeg ? text : null],
    )
    check(`${path}, EXIF by Exiv2`, exiv2Says(join(folder, path), 'Exif.Image.ImageDescription'), text)
    check(
      `${path}, all else`,
      { ...after.get(path), SourceFile: '' },
      { ...before.get(path), SourceFile: '' },
    )
  }
  const untouched = made.filter(({ path }) => !inside.includes(path))
  for (const { path, bytes } of untouched)
    check(`${path} is as it was`, (await readFile(join(folder, path))).equals(bytes), true)
}

try {
  const captions = await throughThePage(page)
  const folder = join(root, 'after')
  const files = await outOfFolder(page, folder)
  check('originals that were left', files.filter((path) => path.endsWith('.pictalk-original')).length, 0)
  checkTables(folder, captions)
  await checkFiles(folder, captions)
  for (const fault of faults) console.error(fault)
  console.log(
    `${made.length} pictures, ${captions.size} captioned, ${files.length} files in the folder: ${faults.length} read otherwise.`,
  )
  if (faults.length > 0) process.exitCode = 1
} finally {
  await kill()
  await site.stop()
  await rm(root, { recursive: true, force: true })
}
process.exit()
