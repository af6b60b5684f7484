/**
 * The gate that every conversation passes that comes from a file or from storage: what comes out is what the types
 * say, whatever went in. Small damage is mended (a missing answer, a number that is none, a name with control
 * characters); what contradicts itself is refused.
 */
import { AppError, failureIn, type Failure } from '../pack/failure.ts'
import { isRecord } from '../pack/json.ts'
import type {
  AnswerFacts,
  AnswerState,
  AnswerText,
  Conversation,
  Picture,
  SettledAnswer,
  Turn,
} from './conversation.ts'
import type { Choice, KeptConversation, Removal, Title } from './kept.ts'

/** The longest name that file systems take. */
const NAME_LENGTH = 255
/** Ids are UUIDs here; others may be somewhat longer. */
const ID_LENGTH = 200
/** The last moment that `Date` knows (ECMA-262, 21.4.1.1). */
const LAST_MOMENT = 8.64e15

const NOT_FINISHED: Failure = {
  code: 'cancelled',
  message: 'This answer was not finished; write it again.',
}
const UNFINISHED: SettledAnswer = { status: 'failed', text: '', failure: NOT_FINISHED }

/**
 * A sound conversation of the same content, as a file or an earlier version of this program has it, or `bad-file`.
 * Refused: wrong types, ids that are missing, used twice or names of JavaScript's own, turns that do not follow one
 * that stands before them. Mended: answers that are missing or were under way (they can be written again), answers
 * about unknown pictures, choices that do not exist, numbers out of range, names that would upset a page.
 */
export function soundConversation(value: unknown): Conversation {
  const { id, changedAt, title, pictures, turns, chosen } = record(value, 'a conversation is no object')
  const soundPictures = picturesIn(pictures)
  const soundTurns = turnsIn(turns, soundPictures, settledAnswer)
  const before = new Set<string | null>([null])
  for (const turn of soundTurns) {
    if (!before.has(turn.parent)) throw damaged('its turns do not follow each other')
    before.add(turn.id)
  }
  return {
    id: idOf(id),
    changedAt: moment(changedAt),
    ...(typeof title === 'string' && soundName(title) !== '' && { title: soundName(title) }),
    pictures: soundPictures,
    turns: soundTurns,
    chosen: soundChosen(chosen, soundTurns),
  }
}

/** The same for a conversation as it is kept. Whether its turns follow each other is looked at when it is shown. */
export function soundKept(value: unknown): KeptConversation {
  const { id, revision, changedAt, title, pictures, turns, chosen, removals } = record(
    value,
    'a conversation is no object',
  )
  const soundPictures = picturesIn(pictures)
  return {
    id: idOf(id),
    revision: whole(revision),
    changedAt: moment(changedAt),
    ...(isRecord(title) && { title: soundTitle(title) }),
    pictures: soundPictures,
    turns: turnsIn(turns, soundPictures, keptAnswer),
    chosen: soundChoices(chosen),
    removals: list(removals).map(soundRemoval),
  }
}

/** A name as it can stand in a page: no control characters, nothing that turns the direction of the text around it. */
export function soundName(name: string): string {
  const shown = name.replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
  // A character of two halves is not cut in the middle.
  return shown
    .slice(0, NAME_LENGTH)
    .replace(/[\ud800-\udbff]$/, '')
    .trim()
}

export function soundPictureName(name: string): string {
  return soundName(name) || 'Picture'
}

function soundTitle({ text, after }: Record<string, unknown>): Title {
  return { text: soundName(textOr(text, '')), after: whole(after) }
}

function soundPicture(value: unknown): Picture {
  const { id, name, photograph } = record(value, 'a picture is no object')
  return {
    id: idOf(id),
    name: soundPictureName(text(name, 'a picture has no name')),
    ...(typeof photograph === 'boolean' && { photograph }),
  }
}

function picturesIn(value: unknown): Picture[] {
  const pictures = list(value).map(soundPicture)
  if (!isDistinct(pictures)) throw damaged('a picture is there twice')
  return pictures
}

function turnsIn(
  value: unknown,
  pictures: readonly Picture[],
  answerOf: (value: unknown) => AnswerState,
): Turn[] {
  const turns = list(value).map((turn) => soundTurn(turn, pictures, answerOf))
  if (!isDistinct(turns)) throw damaged('a turn is there twice')
  return turns
}

function soundTurn(
  value: unknown,
  pictures: readonly Picture[],
  answerOf: (value: unknown) => AnswerState,
): Turn {
  const { id, parent, question, answers } = record(value, 'a turn is no object')
  const said = record(answers, 'a turn has no answers')
  const answered = pictures.map((picture) => {
    const answer = Object.hasOwn(said, picture.id) ? answerOf(said[picture.id]) : UNFINISHED
    return [picture.id, answer] as const
  })
  return {
    id: idOf(id),
    parent: parent === null ? null : idOf(parent),
    question: question === null ? null : text(question, 'a question is no text'),
    answers: Object.fromEntries(answered),
  }
}

function soundChosen(value: unknown, turns: readonly Turn[]): Record<string, string> {
  if (!isRecord(value)) return {}
  const parents = new Map(turns.map(({ id, parent }) => [id, parent ?? '']))
  const choices = Object.entries(value).filter(
    (choice): choice is [string, string] =>
      typeof choice[1] === 'string' && parents.get(choice[1]) === choice[0],
  )
  return Object.fromEntries(choices)
}

/** The turns that they name may be gone: which of two choices is the later still counts. */
function soundChoices(value: unknown): Record<string, Choice> {
  const choices = Object.entries(record(value, 'its choices are no object')).flatMap(([parent, choice]) =>
    isRecord(choice) && typeof choice['turn'] === 'string'
      ? [[parent, { turn: choice['turn'], after: whole(choice['after']) }] as const]
      : [],
  )
  return Object.fromEntries(choices)
}

function soundRemoval(value: unknown): Removal {
  const { id, tab, turns, status } = record(value, 'a removal is no object')
  if (status !== 'undoable' && status !== 'undone' && status !== 'final')
    throw damaged('a removal is neither undone nor final')
  return { id: idOf(id), tab: idOf(tab), turns: turns === null ? null : list(turns).map(removedTurn), status }
}

function removedTurn(value: unknown): { id: string; parent: string | null } {
  const { id, parent } = record(value, 'a removed turn is no object')
  return { id: idOf(id), parent: parent === null ? null : idOf(parent) }
}

/** As it is kept: one that is still to be written belongs to a page. */
function keptAnswer(value: unknown): AnswerState {
  const { status, tab, attempt } = record(value, 'an answer is no object')
  const answer: AnswerState =
    status === 'waiting' && typeof tab === 'string' ? { status, tab } : settledAnswer(value)
  return whole(attempt) === 0 ? answer : { ...answer, attempt: whole(attempt) }
}

/** What was under way is cut off; what had been written by then is kept. */
function settledAnswer(value: unknown): SettledAnswer {
  const answer = record(value, 'an answer is no object')
  if (answer['status'] === 'done')
    return {
      status: 'done',
      ...soundWords(answer),
      answers: soundOthers(answer),
      facts: soundFacts(answer['facts']),
    }
  return {
    status: 'failed',
    text: textOr(answer['text'], ''),
    failure: failureIn(answer['failure']) ?? NOT_FINISHED,
  }
}

function soundWords(value: Record<string, unknown>): { text: string; tokenIds: number[] } {
  const ids = value['tokenIds']
  return {
    text: textOr(value['text'], ''),
    tokenIds: Array.isArray(ids) ? ids.filter((id: unknown): id is number => whole(id) === id) : [],
  }
}

function soundOthers({ answers }: Record<string, unknown>): AnswerText[] {
  if (!Array.isArray(answers)) return []
  return answers.filter(isRecord).map((one) => {
    const { score } = one
    return { ...soundWords(one), score: typeof score === 'number' && Number.isFinite(score) ? score : 0 }
  })
}

function soundFacts(value: unknown): AnswerFacts {
  const facts = isRecord(value) ? value : {}
  const { finish, model } = facts
  return {
    finish: finish === 'limit' || finish === 'stopped' ? finish : 'end',
    lookMs: positive(facts['lookMs']),
    prefillMs: positive(facts['prefillMs']),
    decodeMs: positive(facts['decodeMs']),
    prefilled: whole(facts['prefilled']),
    dropped: whole(facts['dropped']),
    ...(typeof model === 'string' && { model: soundName(model) }),
    ...(typeof facts['tookMs'] === 'number' && { tookMs: positive(facts['tookMs']) }),
    ...(typeof facts['decoding'] === 'string' && { decoding: soundName(facts['decoding']) }),
    ...(facts['varied'] === true && { varied: true }),
    ...(typeof facts['outside'] === 'number' && { outside: Math.min(1, positive(facts['outside'])) }),
  }
}

/** Ids are keys of plain objects here, so none may be a name that every object answers to. */
function idOf(value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > ID_LENGTH)
    throw damaged('something has no id')
  if (value in Object.prototype) throw damaged('an id cannot be used')
  return value
}

function isDistinct(entries: readonly { id: string }[]): boolean {
  return new Set(entries.map(({ id }) => id)).size === entries.length
}

function text(value: unknown, problem: string): string {
  if (typeof value !== 'string') throw damaged(problem)
  return value
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

/** Milliseconds since 1970. */
function moment(value: unknown): number {
  return Math.min(positive(value), LAST_MOMENT)
}

/** Finite and not negative, else 0. */
function positive(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0
}

/** A whole number that is not negative, else 0. */
function whole(value: unknown): number {
  return Number.isSafeInteger(value) ? positive(value) : 0
}

export function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw damaged('a list is missing')
  return value
}

export function record(value: unknown, problem: string): Record<string, unknown> {
  if (!isRecord(value)) throw damaged(problem)
  return value
}

/** What is said of a file or a record that contradicts itself. */
export function damaged(what: string): AppError {
  return new AppError('bad-file', `These conversations cannot be read (${what}); export them again.`)
}
