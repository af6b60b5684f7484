/** What is written of a captioned folder: files and their contents, one at a time, for a folder or a ZIP alike. */
import { AppError, toFailure, throwIfCancelled, type Failure } from '../pack/failure.ts'
import { captionOf, isEdited, isMachineMade, writerOf, type CaptionedPicture } from './caption.ts'
import { hasAltText, type ExportFormat, type ExportOptions } from './export-formats.ts'
import { isTable, rowName, tableName, TABLES, type TableFormat } from './formats/formats.ts'
import { writeHtml, writeMarkdown } from './formats/pages.ts'
import { mergedRows, textOf, type CaptionRow } from './formats/row.ts'
import { sameCaptionFile, writeSidecar } from './formats/sidecar.ts'
import { MACHINE_MADE, readXmp, writeXmp, type XmpTexts } from './formats/xmp.ts'
import { withTexts, xmpInFile } from './in-file/write-texts.ts'
import { comparePaths } from './picture-files.ts'
import { WHOLE } from './shard.ts'
import { sidecarNames, type SidecarNames } from './sidecar-names.ts'

/** What lies in the folder already; undefined where there is nothing. */
export type ReadFile = (path: string) => Promise<Uint8Array<ArrayBuffer> | undefined>

export type Exported =
  | {
      kind: 'file'
      path: string
      content: Uint8Array<ArrayBuffer>
      /** The picture's file that it is made of, where it takes that one's place. */
      madeOf?: Uint8Array<ArrayBuffer>
      /** Pictures whose captions it holds. */ pictures: number
    }
  | { kind: 'failed'; path: string; failure: Failure }

export interface ExportFrom {
  /** All pictures of the folder: a file that two of them would have belongs to the first, chosen or not. */
  pictures: readonly CaptionedPicture[]
  /** Paths of those whose captions are written. */
  chosen: ReadonlySet<string>
  readFile: ReadFile
}

/** Every file that is to be written. What cannot be exported of one picture costs no other. Rejects `cancelled`. */
export async function* exported(
  { pictures, chosen, readFile }: ExportFrom,
  options: ExportOptions,
  signal: AbortSignal,
): AsyncGenerator<Exported> {
  const { format } = options
  const names = sidecarNames(pictures.map(({ path }) => path))
  const described = pictures.filter((picture) => chosen.has(picture.path) && isDescribed(picture, format))
  if (format === 'html' || format === 'markdown') {
    yield textFile(
      format === 'html' ? 'captions.html' : 'captions.md',
      pageOf(described, format),
      described.length,
    )
  } else if (format !== 'in-file' && isTable(format))
    yield* table(described, names, format, options, readFile)
  else yield* filesBeside(described, names, format, options, readFile, signal)
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
  names: SidecarNames,
  format: TableFormat,
  { bom }: ExportOptions,
  readFile: ReadFile,
): AsyncGenerator<Exported> {
  const name = tableName(format, WHOLE)
  const rows: CaptionRow[] = []
  for (const picture of pictures) {
    const owner = names.ownerOf(picture.path)
    if (format === 'kohya' && owner !== picture.path) yield twinOf(picture.path, owner)
    else rows.push(rowOf(picture, format))
  }
  const existing = await readFile(name)
  const earlier = existing === undefined ? [] : TABLES[format].read(existing, name)
  yield textFile(name, TABLES[format].write(mergedRows(earlier, rows, comparePaths), { bom }), rows.length)
}

/** Only tables of ours say more than the caption: those of others have columns that mean something to who reads them. */
function rowOf(picture: CaptionedPicture, format: TableFormat): CaptionRow {
  const text = captionOf(picture)
  const file = rowName(format, picture.path)
  if (format === 'kohya' || format === 'jsonl') return { file, text, fields: {} }
  const author = picture.versions.map(({ by }) => by).findLast((by) => by.kind === 'model')
  const fields = {
    score: picture.versions.at(-1)?.score ?? null,
    model: author?.kind === 'model' ? author.model : null,
    settings: author?.kind === 'model' ? JSON.stringify(author.settings) : null,
    edited: isEdited(picture),
  }
  return { file, text, fields }
}

async function* filesBeside(
  pictures: readonly CaptionedPicture[],
  names: SidecarNames,
  format: 'txt' | 'caption' | 'xmp' | 'in-file',
  { xmpName }: ExportOptions,
  readFile: ReadFile,
  signal: AbortSignal,
): AsyncGenerator<Exported> {
  for (const picture of pictures) {
    throwIfCancelled(signal)
    const { path } = picture
    const [first, ...others] = names.of(path, format === 'xmp' ? xmpName : 'stem')
    try {
      if (format === 'in-file') yield await inFile(picture, readFile)
      else if (first === undefined) yield twinOf(path, names.ownerOf(path))
      else if (format === 'xmp') yield await xmpBeside(picture, [first, ...others], readFile)
      else yield textFile(`${first}.${format}`, writeSidecar(captionOf(picture)), 1)
    } catch (error) {
      yield { kind: 'failed', path, failure: toFailure(error) }
    }
  }
}

async function xmpBeside(
  picture: CaptionedPicture,
  places: readonly [string, ...string[]],
  readFile: ReadFile,
): Promise<Exported> {
  for (const place of places) {
    const name = `${place}.xmp`
    const there = await readFile(name)
    if (there !== undefined) return xmpFile(picture, name, textOf(there, name))
  }
  return xmpFile(picture, `${places[0]}.xmp`)
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
    madeOf: file,
    content: withTexts(file, textsOf(picture, xmpInFile(file))),
    pictures: 1,
  }
}

function goneMeanwhile(): AppError {
  return new AppError(
    'not-found',
    'This picture is no longer in the folder; put it back, or open the folder anew.',
  )
}

/** A text that the picture has not got leaves alone what is there. */
function textsOf(picture: CaptionedPicture, existing: string | null): XmpTexts {
  const { altText, longDescription } = picture
  const description = captionOf(picture)
  return {
    ...(description !== '' && { description }),
    ...(altText !== '' && { altText }),
    ...(longDescription !== '' && { longDescription }),
    writer: writerIn(picture, existing),
  }
}

/**
 * The mark of a machine stands until a person has seen every text that it stands for: those of the picture, and those
 * that stay as they are. The name of another writer is left alone.
 */
function writerIn(picture: CaptionedPicture, existing: string | null): string | undefined {
  const { altText, altAccepted, accepted } = picture
  const description = captionOf(picture)
  const isOfMachine = description !== '' && !accepted && isMachineMade(picture)
  if (isOfMachine || (altText !== '' && !altAccepted)) return MACHINE_MADE
  const there = existing === null ? null : readXmp(existing)
  if (there?.writer !== MACHINE_MADE) return undefined
  const isOwn = writerOf(picture)?.kind === 'person'
  const isSeen =
    (description === '' ? there.description === '' : accepted || isOwn) &&
    (altText !== '' || there.altText === '')
  return isSeen ? '' : undefined
}

function twinOf(path: string, owner: string): Exported {
  return { kind: 'failed', path, failure: toFailure(sameCaptionFile(path, owner)) }
}

function textFile(path: string, text: string, pictures: number): Exported {
  return { kind: 'file', path, content: new TextEncoder().encode(text), pictures }
}
