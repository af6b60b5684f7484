/**
 * Writes the captions of 220 pictures of every kind in every format, and has other people's programs read them back:
 * ExifTool and Exiv2 (Debian's `libimage-exiftool-perl` and `exiv2`) and Python's own `csv` and `json`. Gives what they
 * read otherwise than it was written, and what ExifTool sees changed in a file beside the texts.
 */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { isRecord } from '../src/pack/json.ts'
import { exported, type ReadFile } from '../src/studio/export.ts'
import type { ExportFormat } from '../src/studio/export-formats.ts'
import { captioned } from '../testing/studio/captioned.ts'
import { IMAGE_TYPE } from '../testing/studio/camera-exif.ts'
import { CHANGED, checking, exifTool, exiv2Says, python, TABLES } from '../testing/studio/foreign-readers.ts'
import { everyKind } from '../testing/studio/every-kind.ts'

const made = await everyKind(10)
const pictures = made.map(({ path }, i) => captioned(path, i))
const root = await mkdtemp(join(process.env['PICTALK_TMP'] ?? tmpdir(), 'pictalk-readers-'))
const { check, faults } = checking()

async function put(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
}

/** A folder with the pictures and their captions in one format; and of which pictures there are none. */
async function written(format: ExportFormat): Promise<{ folder: string; refused: Set<string> }> {
  const folder = join(root, format)
  const refused = new Set<string>()
  for (const { path, bytes } of made) await put(join(folder, path), bytes)
  const read: ReadFile = async (path) =>
    existsSync(join(folder, path)) ? new Uint8Array(await readFile(join(folder, path))) : undefined
  const options = { format, bom: false, xmpName: 'whole' } as const
  const from = { pictures, chosen: new Set(pictures.map(({ path }) => path)), readFile: read }
  for await (const one of exported(from, options, new AbortController().signal)) {
    if (one.kind === 'file') await put(join(folder, one.path), one.content)
    else refused.add(one.path)
  }
  return { folder, refused }
}

/** Lines as XML has them, and no blanks around: as a reader gives them. */
const asRead = (text: string): string => text.trim()

function checkXmp(folder: string, path: string, of: string, tags: Record<string, unknown> | undefined): void {
  const picture = pictures.find((one) => one.path === of)
  const text = asRead(picture?.versions.at(-1)?.text ?? '')
  check(
    `ExifTool, ${path}`,
    [tags?.['Description'], tags?.['AltTextAccessibility']],
    [text, picture?.altText],
  )
  check(`Exiv2, ${path}`, exiv2Says(join(folder, path), 'Xmp.dc.description'), text)
}

async function sidecarsOfXmp(): Promise<number> {
  const { folder, refused } = await written('xmp')
  const sources = made.flatMap(({ path }) => (refused.has(path) ? [] : [path]))
  const tags = exifTool(
    folder,
    sources.map((path) => `${path}.xmp`),
    '-XMP:all',
  )
  for (const path of sources) checkXmp(folder, `${path}.xmp`, path, tags.get(`${path}.xmp`))
  return sources.length
}

async function insideFiles(): Promise<number> {
  const { folder, refused } = await written('in-file')
  const { folder: plain } = await written('jsonl')
  const sources = made.flatMap(({ path }) => (refused.has(path) ? [] : [path]))
  const tags = exifTool(folder, sources, '-XMP:all')
  const captions = exifTool(folder, sources, '-ImageDescription', '-IPTC:Caption-Abstract')
  for (const path of sources) {
    checkXmp(folder, path, path, tags.get(path))
    const text = asRead(pictures.find((one) => one.path === path)?.versions.at(-1)?.text ?? '')
    const inIptc = /\.jpe?g$/.test(path) ? text : undefined
    const said = captions.get(path)
    check(`ExifTool, ${path}`, [said?.['ImageDescription'], said?.['Caption-Abstract']], [text, inIptc])
    const [exif, iptc] = ['Exif.Image.ImageDescription', 'Iptc.Application2.Caption'].map((key) =>
      exiv2Says(join(folder, path), key),
    )
    check(`Exiv2, ${path}`, [exif, iptc], [text, inIptc ?? ''])
  }
  const others = ['-a', '-G1', '-u', ...CHANGED]
  const [before, after] = [exifTool(plain, sources, ...others), exifTool(folder, sources, ...others)]
  for (const path of sources) {
    const rest = (entry: Record<string, unknown> = {}): unknown => ({ ...entry, SourceFile: '' })
    check(`metadata of ${path}`, rest(after.get(path)), rest(before.get(path)))
  }
  const notes = [...after.values()].filter((entry) => entry['Canon:CanonImageType'] === IMAGE_TYPE).length
  const cameras = sources.filter((path) => path.endsWith('camera.jpg')).length
  check("makers' notes that ExifTool still finds", notes, cameras)
  return sources.length
}

async function tables(): Promise<number> {
  const csv = await written('csv')
  const rows = python(TABLES['metadata.csv'], join(csv.folder, 'metadata.csv'))
  const jsonl = await written('jsonl')
  const lines = python(TABLES['metadata.jsonl'], join(jsonl.folder, 'metadata.jsonl'))
  for (const { path, versions } of pictures) {
    const text = versions.at(-1)?.text
    check(`Python's csv, ${path}`, isRecord(rows) ? rows[path] : null, text)
    check(`Python's json, ${path}`, isRecord(lines) ? lines[path] : null, text)
  }
  return 2 * pictures.length
}

try {
  const counts = [await sidecarsOfXmp(), await insideFiles(), await tables()]
  for (const fault of faults) console.error(fault)
  console.log(
    `${counts[0]} XMP sidecars, ${counts[1]} files with texts inside, ${counts[2]} rows of tables: ${faults.length} read otherwise.`,
  )
  if (faults.length > 0) process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
