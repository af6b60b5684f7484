/** Version 2 of an export: a ZIP file of stored entries. Pictures go in and come out as references, never as bytes. */
import { isRecord, parseJson } from '../pack/json.ts'
import type { Reading } from '../archive/crc32.ts'
import { readDirectory, readEntry, type ZipEntry } from '../archive/zip-reader.ts'
import { ZipWriter } from '../archive/zip-writer.ts'
import { throwIfCancelled } from '../pack/failure.ts'
import type { Conversation } from './conversation.ts'
import {
  FORMAT,
  noExport,
  otherVersion,
  pictureType,
  type Exported,
  type ExportedPicture,
} from './export-format.ts'
import { atMost, LIMITS } from './limits.ts'
import { damaged, list, record, soundConversation } from './sound.ts'

const VERSION = 2
const HEAD = 'pictalk.json'
/** 100 bytes for each picture of the largest library. */
const HEAD_BYTES = 64 * 2 ** 20
const MOST_ENTRIES = 1 + LIMITS.conversations + LIMITS.allTurns

/** How the head lists a picture: `file` is its entry, or null when it had been lost. */
interface ListedPicture {
  id: string
  file: string | null
  type: string
}

export interface Written {
  file: Blob
  /** Pictures that are in the file, and those that could not be read any more. */
  pictures: number
  lost: number
}

/**
 * All conversations as one file, which refers to the pictures that `pictureOf` gives instead of copying them. Each is
 * read once; one that cannot be read, or is not there, is listed as lost, and the rest goes out all the same. Rejects
 * `cancelled`.
 */
export async function writeArchive(
  conversations: readonly Conversation[],
  pictureOf: (id: string) => Promise<Blob | undefined>,
  { modified, signal, onBytes }: Reading & { modified: Date },
): Promise<Written> {
  const zip = new ZipWriter(modified)
  const reading = { signal, onBytes }
  const listed: ListedPicture[] = []
  for (const id of new Set(conversations.flatMap(({ pictures }) => pictures.map((picture) => picture.id)))) {
    throwIfCancelled(signal)
    listed.push(await addPicture(zip, id, listed.length + 1, pictureOf, reading))
  }
  for (const [i, conversation] of conversations.entries()) {
    throwIfCancelled(signal)
    await zip.add(`conversations/${i + 1}.json`, json(conversation), { signal })
  }
  const head = { format: FORMAT, version: VERSION, conversations: conversations.length, pictures: listed }
  await zip.add(HEAD, json(head))
  const lost = listed.filter(({ file }) => file === null).length
  return { file: zip.finish(), pictures: listed.length - lost, lost }
}

async function addPicture(
  zip: ZipWriter,
  id: string,
  number: number,
  pictureOf: (id: string) => Promise<Blob | undefined>,
  reading: Reading,
): Promise<ListedPicture> {
  try {
    const image = await pictureOf(id)
    if (image === undefined) return { id, file: null, type: '' }
    const type = pictureType(image.type)
    const file = `pictures/${number}${ENDINGS[type] ?? ''}`
    await zip.add(file, image, reading)
    return { id, file, type }
  } catch (cause) {
    throwIfCancelled(reading.signal)
    console.warn(`A picture could not be read and is not in the export.`, cause)
    return { id, file: null, type: '' }
  }
}

/** So that programs that open the file know its pictures. */
const ENDINGS: Record<string, string> = {
  'image/png': '.png',
  'image/jpeg': '.jpg',
  'image/gif': '.gif',
  'image/webp': '.webp',
  'image/bmp': '.bmp',
  'image/avif': '.avif',
}

function json(value: unknown): Blob {
  return new Blob([`${JSON.stringify(value, null, 1)}\n`], { type: 'application/json' })
}

/** Throws `bad-file` and `cancelled`. The pictures are slices of `file`, and every byte of them has been checked. */
export async function readArchive(file: Blob, reading: Reading): Promise<Exported> {
  const entries = await readDirectory(file, MOST_ENTRIES)
  const headEntry = entries.get(HEAD)
  if (headEntry === undefined) throw noExport()
  atMost(headEntry.bytes, HEAD_BYTES, 'bytes in its head')
  const head = await jsonIn(file, headEntry)
  if (!isRecord(head) || head['format'] !== FORMAT) throw noExport()
  if (head['version'] !== VERSION) throw otherVersion()
  const conversations = await conversationsIn(file, entries, head['conversations'], reading.signal)
  const listed = list(head['pictures']).map(listedPicture)
  const known = new Set(listed.map(({ id }) => id))
  for (const { pictures } of conversations)
    if (!pictures.every(({ id }) => known.has(id))) throw damaged('a picture is missing')
  return { conversations, pictures: await picturesIn(file, entries, listed, reading) }
}

async function conversationsIn(
  file: Blob,
  entries: ReadonlyMap<string, ZipEntry>,
  count: unknown,
  signal: AbortSignal | undefined,
): Promise<Conversation[]> {
  if (typeof count !== 'number' || !(count >= 0)) throw damaged('it does not say how many there are')
  atMost(count, LIMITS.conversations, 'conversations')
  const conversations: Conversation[] = []
  let bytes = 0
  for (let number = 1; number <= count; number += 1) {
    throwIfCancelled(signal)
    const entry = entries.get(`conversations/${number}.json`)
    if (entry === undefined) throw damaged('a conversation is missing')
    bytes += entry.bytes
    atMost(entry.bytes, LIMITS.conversationBytes, 'bytes in one conversation')
    atMost(bytes, LIMITS.allConversationBytes, 'bytes in its conversations')
    conversations.push(soundConversation(await jsonIn(file, entry)))
  }
  return conversations
}

async function picturesIn(
  file: Blob,
  entries: ReadonlyMap<string, ZipEntry>,
  listed: readonly ListedPicture[],
  reading: Reading,
): Promise<ExportedPicture[]> {
  const pictures: ExportedPicture[] = []
  for (const { id, file: name, type } of listed) {
    if (name === null) continue
    const entry = entries.get(name)
    if (entry === undefined) throw damaged('a picture is missing')
    atMost(entry.bytes, LIMITS.pictureBytes, 'bytes in one picture')
    const content = await readEntry(file, entry, reading)
    pictures.push({ id, image: content.slice(0, content.size, type) })
  }
  return pictures
}

function listedPicture(value: unknown): ListedPicture {
  const { id, file, type } = record(value, 'a picture is no object')
  if (typeof id !== 'string' || !(file === null || typeof file === 'string'))
    throw damaged('a picture has no data')
  return { id, file, type: pictureType(type) }
}

async function jsonIn(file: Blob, entry: ZipEntry): Promise<unknown> {
  return parseJson(await (await readEntry(file, entry)).text())
}
