/** Version 1 of an export: one JSON text with the pictures in Base64. It is read, and no longer written. */
import { isRecord, parseJson } from '../pack/json.ts'
import {
  FORMAT,
  noExport,
  otherVersion,
  pictureType,
  type Exported,
  type ExportedPicture,
} from './export-format.ts'
import { LIMITS } from './limits.ts'
import { damaged, list, record, soundConversation } from './sound.ts'

const VERSION = 1

/** Throws `bad-file`. */
export async function readJsonFile(file: Blob): Promise<Exported> {
  if (file.size > LIMITS.jsonFileBytes) throw noExport()
  const root = parseJson(await file.text())
  if (!isRecord(root) || root['format'] !== FORMAT) throw noExport()
  if (root['version'] !== VERSION) throw otherVersion()
  const pictures = list(root['pictures']).map(pictureOf)
  const known = new Set(pictures.map(({ id }) => id))
  const conversations = list(root['conversations']).map(soundConversation)
  for (const { pictures: wanted } of conversations)
    if (!wanted.every(({ id }) => known.has(id))) throw damaged('a picture is missing')
  return { conversations, pictures }
}

function pictureOf(value: unknown): ExportedPicture {
  const { id, base64, type } = record(value, 'a picture is no object')
  if (typeof id !== 'string' || typeof base64 !== 'string') throw damaged('a picture has no data')
  return { id, image: new Blob([fromBase64(base64)], { type: pictureType(type) }) }
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  let binary
  try {
    binary = atob(text)
  } catch {
    throw damaged('a picture cannot be read')
  }
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i)
  return bytes
}
