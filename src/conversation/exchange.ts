/** Conversations as one file, out and in: JSON with the pictures, or Markdown to read. */
import { AppError } from '../pack/failure.ts'
import { answerText, shownTurns, titleOf, type AnswerState, type Conversation } from './conversation.ts'

const FORMAT = 'pictalk-conversations'
const VERSION = 1

export interface ExportedPicture {
  id: string
  image: Blob
}

export interface Exported {
  conversations: Conversation[]
  pictures: ExportedPicture[]
}

export async function toJson({ conversations, pictures }: Exported): Promise<string> {
  const images = await Promise.all(
    pictures.map(async ({ id, image }) => ({
      id,
      type: image.type,
      base64: toBase64(new Uint8Array(await image.arrayBuffer())),
    })),
  )
  return `${JSON.stringify({ format: FORMAT, version: VERSION, conversations, pictures: images }, null, 1)}\n`
}

/**
 * Reads what `toJson` wrote. Every id is replaced by a new one from `newId`, so that nothing that is there is
 * overwritten. Throws `bad-file` when the file is not such an export or does not hold together.
 */
export function fromJson(text: string, newId: () => string): Exported {
  const root = parse(text)
  if (!isRecord(root) || root['format'] !== FORMAT)
    throw new AppError(
      'bad-file',
      'This file holds no pictalk conversations; choose one that was exported here.',
    )
  if (root['version'] !== VERSION) {
    throw new AppError(
      'bad-file',
      'These conversations were written by another version of pictalk; open them there, or update.',
    )
  }
  const ids = new Map<string, string>()
  const renew = (id: string): string => {
    const fresh = ids.get(id) ?? newId()
    ids.set(id, fresh)
    return fresh
  }
  const pictures = list(root['pictures']).map((picture) => pictureOf(picture, renew))
  const known = new Set(pictures.map(({ id }) => id))
  const conversations = list(root['conversations']).map((value) => conversationOf(value, renew))
  for (const { pictures: wanted } of conversations)
    if (wanted.length === 0 || !wanted.every(({ id }) => known.has(id))) throw damaged('a picture is missing')
  return { conversations, pictures }
}

/** The path that is shown, as text for people. */
export function toMarkdown(conversation: Conversation): string {
  const { pictures } = conversation
  const lines = [`# ${oneLine(titleOf(conversation))}`, '']
  for (const turn of shownTurns(conversation)) {
    if (turn.question !== null) lines.push(`**${escaped(turn.question)}**`, '')
    for (const { id, name } of pictures) {
      const answer = escaped(answerText(turn.answers[id]) || '(no answer)')
      lines.push(pictures.length > 1 ? `- ${escaped(name)}: ${answer}` : answer)
    }
    lines.push('')
  }
  return lines.join('\n')
}

function conversationOf(value: unknown, renew: (id: string) => string): Conversation {
  if (!isRecord(value)) throw damaged('a conversation is no object')
  const turns = list(value['turns']).map((turn) => {
    if (!isRecord(turn) || !isRecord(turn['answers'])) throw damaged('a turn has no answers')
    const { parent, question } = turn
    if (question !== null && typeof question !== 'string') throw damaged('a question is no text')
    const answers = Object.entries(turn['answers']).map(
      ([id, answer]) => [renew(id), answerOf(answer)] as const,
    )
    return {
      id: renew(idOf(turn['id'])),
      parent: parent === null ? null : renew(idOf(parent)),
      question,
      answers: Object.fromEntries(answers),
    }
  })
  const seen = new Set<string | null>([null])
  for (const { id, parent } of turns) {
    if (!seen.has(parent) || seen.has(id)) throw damaged('its turns do not follow each other')
    seen.add(id)
  }
  const chosen = isRecord(value['chosen']) ? Object.entries(value['chosen']) : []
  return {
    id: renew(idOf(value['id'])),
    changedAt: typeof value['changedAt'] === 'number' ? value['changedAt'] : 0,
    pictures: list(value['pictures']).map((picture) => {
      if (!isRecord(picture) || typeof picture['name'] !== 'string') throw damaged('a picture has no name')
      const { photograph } = picture
      return {
        id: renew(idOf(picture['id'])),
        name: picture['name'],
        ...(typeof photograph === 'boolean' && { photograph }),
      }
    }),
    turns,
    chosen: Object.fromEntries(
      chosen.map(([parent, id]) => [parent === '' ? '' : renew(parent), renew(idOf(id))]),
    ),
  }
}

/** Only finished and failed answers carry over. */
function answerOf(value: unknown): AnswerState {
  if (!isRecord(value)) throw damaged('an answer is no object')
  const text = typeof value['text'] === 'string' ? value['text'] : ''
  if (value['status'] !== 'done') {
    const failure = { code: 'cancelled', message: 'This answer was not finished; write it again.' } as const
    return { status: 'failed', text, failure }
  }
  const facts = isRecord(value['facts']) ? value['facts'] : {}
  const number = (name: string): number => (typeof facts[name] === 'number' ? facts[name] : 0)
  const finish = facts['finish']
  return {
    status: 'done',
    text,
    tokenIds: numbers(value['tokenIds']),
    answers: list(value['answers'] ?? [])
      .filter(isRecord)
      .map((one) => ({
        text: typeof one['text'] === 'string' ? one['text'] : '',
        tokenIds: numbers(one['tokenIds']),
        score: typeof one['score'] === 'number' ? one['score'] : 0,
      })),
    facts: {
      finish: finish === 'limit' || finish === 'stopped' ? finish : 'end',
      lookMs: number('lookMs'),
      prefillMs: number('prefillMs'),
      decodeMs: number('decodeMs'),
      prefilled: number('prefilled'),
      dropped: number('dropped'),
      ...(typeof facts['model'] === 'string' && { model: facts['model'] }),
    },
  }
}

function pictureOf(value: unknown, renew: (id: string) => string): ExportedPicture {
  if (!isRecord(value) || typeof value['base64'] !== 'string' || typeof value['type'] !== 'string')
    throw damaged('a picture has no data')
  try {
    return {
      id: renew(idOf(value['id'])),
      image: new Blob([fromBase64(value['base64'])], { type: value['type'] }),
    }
  } catch (cause) {
    throw cause instanceof AppError ? cause : damaged('a picture cannot be read')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

function idOf(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw damaged('something has no id')
  return value
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw damaged('a list is missing')
  return value
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.filter((entry): entry is number => typeof entry === 'number') : []
}

function damaged(what: string): AppError {
  return new AppError('bad-file', `These conversations cannot be read (${what}); export them again.`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toBase64(bytes: Uint8Array): string {
  let binary = ''
  // `apply` takes only so many arguments at once.
  for (let i = 0; i < bytes.length; i += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  return btoa(binary)
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
}

function oneLine(text: string): string {
  return escaped(text).replace(/\s+/g, ' ')
}

/** What Markdown would read as its own. */
function escaped(text: string): string {
  return text.replace(/[\\`*_[\]<>#|]/g, '\\$&')
}
