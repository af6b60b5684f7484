/**
 * Conversations as one file, out and in. Out goes a ZIP file that anybody can open: `pictalk.json` says what it is and
 * which pictures it has, `conversations/1.json` and on hold a conversation each, `pictures/1.png` and on the pictures
 * as they are. In comes that, or the one JSON text with its pictures in Base64 that was written before.
 */
import { isZip } from '../archive/zip-reader.ts'
import type { Reading } from '../archive/crc32.ts'
import { readArchive } from './archive-file.ts'
import type { Conversation } from './conversation.ts'
import type { Exported } from './export-format.ts'
import { readJsonFile } from './json-file.ts'
import { atMost, checkSize, LIMITS } from './limits.ts'
import { damaged } from './sound.ts'

/**
 * Reads an export whole or not at all. Every id is replaced by a new one from `newId`, so that nothing that is there
 * is overwritten. The pictures of an archive are slices of `file`; every byte of them has been checked. Throws
 * `bad-file` when the file is no export, does not hold together or is larger than the page takes in (`LIMITS`), and
 * `cancelled`.
 */
export async function readExport(file: Blob, newId: () => string, reading: Reading = {}): Promise<Exported> {
  const exported = (await isZip(file)) ? await readArchive(file, reading) : await readJsonFile(file)
  checkWhole(exported)
  return renewed(exported, newId)
}

/** What `file` was read for, counted together: what one conversation may be, many may not be. */
function checkWhole({ conversations, pictures }: Exported): void {
  atMost(conversations.length, LIMITS.conversations, 'conversations')
  if (new Set(conversations.map(({ id }) => id)).size !== conversations.length)
    throw damaged('a conversation is there twice')
  if (new Set(pictures.map(({ id }) => id)).size !== pictures.length)
    throw damaged('a picture is there twice')
  let turns = 0
  for (const conversation of conversations) {
    if (conversation.pictures.length === 0) throw damaged('a picture is missing')
    checkSize(conversation)
    turns += conversation.turns.length
  }
  atMost(turns, LIMITS.allTurns, 'turns')
  for (const { image } of pictures) atMost(image.size, LIMITS.pictureBytes, 'bytes in one picture')
}

/** With new ids throughout. Pictures keep together across conversations; turns are a conversation's own. */
function renewed({ conversations, pictures }: Exported, newId: () => string): Exported {
  const pictureIds = new Renewal(newId)
  return {
    conversations: conversations.map((conversation) => renewedConversation(conversation, pictureIds, newId)),
    pictures: pictures.map(({ id, image }) => ({ id: pictureIds.of(id), image })),
  }
}

function renewedConversation(
  conversation: Conversation,
  pictureIds: Renewal,
  newId: () => string,
): Conversation {
  const { changedAt, title, pictures, turns, chosen } = conversation
  const turnIds = new Renewal(newId)
  const parentOf = (id: string): string => (id === '' ? '' : turnIds.of(id))
  return {
    id: newId(),
    changedAt,
    ...(title !== undefined && { title }),
    pictures: pictures.map((picture) => ({ ...picture, id: pictureIds.of(picture.id) })),
    turns: turns.map(({ id, parent, question, answers }) => ({
      id: turnIds.of(id),
      parent: parent === null ? null : turnIds.of(parent),
      question,
      answers: Object.fromEntries(Object.entries(answers).map(([of, answer]) => [pictureIds.of(of), answer])),
    })),
    chosen: Object.fromEntries(
      Object.entries(chosen).map(([parent, id]) => [parentOf(parent), turnIds.of(id)]),
    ),
  }
}

/** New ids for old ones, the same for the same. */
class Renewal {
  readonly #ids = new Map<string, string>()
  readonly #newId: () => string

  constructor(newId: () => string) {
    this.#newId = newId
  }

  of(id: string): string {
    const fresh = this.#ids.get(id) ?? this.#newId()
    this.#ids.set(id, fresh)
    return fresh
  }
}
