/** What is written of a captioned folder: files and their contents, one at a time, for a folder or a ZIP alike. */
import { AppError, toFailure, throwIfCancelled, type Failure } from '../pack/failure.ts'
import { captionOf, isEdited, isMachineMade, type CaptionedPicture } from './caption.ts'
import { hasAltText, type ExportFormat, type ExportOptions } from './export-formats.ts'
import { isTable, tableName, TABLES, type TableFormat } from './formats/formats.ts'
import { writeHtml, writeMarkdown } from './formats/pages.ts'
import { mergedRows, type CaptionRow } from './formats/row.ts'
import { sameCaptionFile, sidecarOf, xmpNamesOf, writeSidecar } from './formats/sidecar.ts'
import { MACHINE_MADE, readXmp, writeXmp, type XmpTexts } from './formats/xmp.ts'
import { withXmpInFile, xmpInFile } from './in-file/xmp-in-file.ts'
import { comparePaths, stemOf } from './picture-files.ts'
import { WHOLE } from './shard.ts'

/** What lies in the folder already; undefined where there is nothing. */
export type ReadFile = (path: string) => Promise<Uint8Array | undefined>

export type Exported =
  | {
      kind: 'file'
      path: string
      content: Uint8Array<ArrayBuffer>
      /** Pictures whose captions it holds. */ pictures: number
    }
  | { kind: 'failed'; path: string; failure: Failure }

/** Every file that is to be written. What cannot be exported of one picture costs no other. Rejects `cancelled`. */
export async function* exported(
  pictures: readonly CaptionedPicture[],
  options: ExportOptions,
  readFile: ReadFile,
  signal: AbortSignal,
): AsyncGenerator<Exported> {
  const { format } = options
  const described = pictures.filter((picture) => isDescribed(picture, format))
  if (format === 'html' || format === 'markdown') {
    yield textFile(
      format === 'html' ? 'captions.html' : 'captions.md',
      pageOf(described, format),
      described.length,
    )
  } else if (format !== 'in-file' && isTable(format)) yield* table(described, format, options, readFile)
  else yield* filesBeside(described, format, options, readFile, signal)
}

function isDescribed(picture: CaptionedPicture, format: ExportFormat): boolean {
  if (captionOf(picture) !== '') return true
  return hasAltText(format) && (picture.altText !== '' || picture.longDescription !== '')
}

function pageOf(pictures: readonly CaptionedPicture[], format: 'html' | 'markdown'): string {
  const figures = pictures.map((picture) => ({
    path: picture.path,
    altText: picture.altText,
    caption: captionOf(picture),
  }))
  return format === 'html' ? writeHtml(figures) : writeMarkdown(figures)
}

async function* table(
  pictures: readonly CaptionedPicture[],
  format: TableFormat,
  { bom }: ExportOptions,
  readFile: ReadFile,
): AsyncGenerator<Exported> {
  const name = tableName(format, WHOLE)
  const owners = format === 'kohya' ? ownersOf(pictures) : null
  const rows: CaptionRow[] = []
  for (const picture of pictures) {
    const owner = owners?.get(stemOf(picture.path))
    if (owner !== undefined && owner !== picture.path) yield twinOf(picture.path, owner)
    else rows.push(rowOf(picture, format))
  }
  const existing = await readFile(name)
  const earlier = existing === undefined ? [] : TABLES[format].read(existing, name)
  yield textFile(name, TABLES[format].write(mergedRows(earlier, rows, comparePaths), { bom }), rows.length)
}

/** Only tables of ours say more than the caption: those of others have columns that mean something to who reads them. */
export function rowOf(picture: CaptionedPicture, format: TableFormat): CaptionRow {
  const text = captionOf(picture)
  if (format === 'kohya') return { file: stemOf(picture.path), text, fields: {} }
  if (format === 'jsonl') return { file: picture.path, text, fields: {} }
  const author = picture.versions.map(({ by }) => by).findLast((by) => by.kind === 'model')
  const fields = {
    score: picture.versions.at(-1)?.score ?? null,
    model: author?.kind === 'model' ? author.model : null,
    settings: author?.kind === 'model' ? JSON.stringify(author.settings) : null,
    edited: isEdited(picture),
  }
  return { file: picture.path, text, fields }
}

async function* filesBeside(
  pictures: readonly CaptionedPicture[],
  format: 'txt' | 'caption' | 'xmp' | 'in-file',
  { xmpName }: ExportOptions,
  readFile: ReadFile,
  signal: AbortSignal,
): AsyncGenerator<Exported> {
  const sharesNames = format === 'txt' || format === 'caption' || (format === 'xmp' && xmpName === 'stem')
  const owners = sharesNames ? ownersOf(pictures) : null
  for (const picture of pictures) {
    throwIfCancelled(signal)
    const { path } = picture
    const owner = owners?.get(stemOf(path)) ?? path
    if (owner !== path) {
      yield twinOf(path, owner)
      continue
    }
    try {
      if (format === 'xmp') yield await xmpBeside(picture, xmpName, readFile)
      else if (format === 'in-file') yield await inFile(picture, readFile)
      else yield textFile(sidecarOf(path, format), writeSidecar(captionOf(picture)), 1)
    } catch (error) {
      yield { kind: 'failed', path, failure: toFailure(error) }
    }
  }
}

async function xmpBeside(
  picture: CaptionedPicture,
  xmpName: ExportOptions['xmpName'],
  readFile: ReadFile,
): Promise<Exported> {
  const [stem, whole] = xmpNamesOf(picture.path)
  const wanted = xmpName === 'stem' ? [stem, whole] : [whole, stem]
  for (const name of wanted) {
    const there = await readFile(name)
    if (there !== undefined) return xmpFile(picture, name, new TextDecoder().decode(there))
  }
  return xmpFile(picture, wanted[0] ?? stem)
}

function xmpFile(picture: CaptionedPicture, name: string, existing?: string): Exported {
  return textFile(name, writeXmp(textsOf(picture, existing ?? null), existing), 1)
}

async function inFile(picture: CaptionedPicture, readFile: ReadFile): Promise<Exported> {
  const file = await readFile(picture.path)
  if (file === undefined) throw goneMeanwhile()
  return {
    kind: 'file',
    path: picture.path,
    content: withXmpInFile(file, textsOf(picture, xmpInFile(file))),
    pictures: 1,
  }
}

export function goneMeanwhile(): AppError {
  return new AppError(
    'not-found',
    'This picture is no longer in the folder; put it back, or open the folder anew.',
  )
}

/** A text that the picture has not got leaves alone what is there, and so does a person's hand the name of another writer. */
function textsOf(picture: CaptionedPicture, existing: string | null): XmpTexts {
  const { altText, altAccepted, longDescription, accepted } = picture
  const description = captionOf(picture)
  const isSeen =
    (description === '' || accepted || !isMachineMade(picture)) && (altText === '' || altAccepted)
  const wasMachineMade = existing !== null && readXmp(existing).writer === MACHINE_MADE
  return {
    ...(description !== '' && { description }),
    ...(altText !== '' && { altText }),
    ...(longDescription !== '' && { longDescription }),
    writer: isSeen ? (wasMachineMade ? '' : undefined) : MACHINE_MADE,
  }
}

/** The picture of each stem whose caption takes the sidecar's name: the first one. */
function ownersOf(pictures: readonly CaptionedPicture[]): Map<string, string> {
  const owners = new Map<string, string>()
  for (const { path } of pictures) if (!owners.has(stemOf(path))) owners.set(stemOf(path), path)
  return owners
}

function twinOf(path: string, owner: string): Exported {
  return { kind: 'failed', path, failure: toFailure(sameCaptionFile(path, owner)) }
}

function textFile(path: string, text: string, pictures: number): Exported {
  return { kind: 'file', path, content: new TextEncoder().encode(text), pictures }
}
