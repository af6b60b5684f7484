/**
 * A conversation about one picture, or about several side by side: a tree of turns, of which one path is shown. Asking
 * again or otherwise makes a sibling; nothing that was said is lost. Plain data, changed by making new values.
 */
import type { Failure } from '../pack/failure.ts'

export interface Picture {
  id: string
  name: string
  /** Whether it has the shades of a photograph; absent until a model has looked at it. */
  photograph?: boolean
}

export interface AnswerText {
  text: string
  tokenIds: number[]
  score: number
}

/** How an answer came about, for showing. Milliseconds. */
export interface AnswerFacts {
  finish: 'end' | 'limit' | 'stopped'
  /** Decoding the file and looking at it; 0 when the picture had been seen before. */
  lookMs: number
  prefillMs: number
  decodeMs: number
  prefilled: number
  dropped: number
  /** Name and precision of the model that wrote it; absent where that is not known. */
  model?: string
}

export type AnswerState =
  | { status: 'waiting' }
  | { status: 'reading' }
  /** What looks at pictures had been put away to spare memory and is read again. */
  | { status: 'opening'; graph: 'vision' | 'q-former' }
  | { status: 'looking' }
  | { status: 'writing'; text: string; tokens: number }
  | { status: 'done'; text: string; tokenIds: number[]; answers: AnswerText[]; facts: AnswerFacts }
  /** Cut off by something else than Stop; what had been written is kept. */
  | { status: 'failed'; text: string; failure: Failure }

export interface Turn {
  id: string
  /** The turn that this one follows; null for the first. */
  parent: string | null
  /** Null for the caption that a picture gets unasked. */
  question: string | null
  /** By picture id. */
  answers: Record<string, AnswerState>
}

export interface Conversation {
  id: string
  /** Milliseconds since 1970. */
  changedAt: number
  pictures: Picture[]
  turns: Turn[]
  /** Which of several siblings is shown, by the id of their parent (`''` for the first turn). */
  chosen: Record<string, string>
}

/** The turns that are shown, first to last. */
export function shownTurns(conversation: Conversation): Turn[] {
  const path: Turn[] = []
  let parent: string | null = null
  for (;;) {
    const siblings = siblingsUnder(conversation, parent)
    const chosen: string | undefined = conversation.chosen[parent ?? '']
    const turn: Turn | undefined = siblings.find(({ id }) => id === chosen) ?? siblings.at(-1)
    if (turn === undefined) return path
    path.push(turn)
    parent = turn.id
  }
}

/** All turns that stand in the place of this one, itself included, in the order of their making. */
export function siblingsOf(conversation: Conversation, turn: Turn): Turn[] {
  return siblingsUnder(conversation, turn.parent)
}

function siblingsUnder(conversation: Conversation, parent: string | null): Turn[] {
  return conversation.turns.filter((turn) => turn.parent === parent)
}

/** Adds a turn and shows it. */
export function withTurn(conversation: Conversation, turn: Turn): Conversation {
  return { ...withChosen(conversation, turn), turns: [...conversation.turns, turn] }
}

/** Shows this one of several siblings. */
export function withChosen(conversation: Conversation, turn: Turn): Conversation {
  return { ...conversation, chosen: { ...conversation.chosen, [turn.parent ?? '']: turn.id } }
}

/** Without this turn and everything that followed it. */
export function withoutTurn(conversation: Conversation, turnId: string): Conversation {
  const gone = new Set([turnId])
  // A turn stands behind its parent in the list, so one pass finds all that follow.
  for (const { id, parent } of conversation.turns) if (parent !== null && gone.has(parent)) gone.add(id)
  return { ...conversation, turns: conversation.turns.filter(({ id }) => !gone.has(id)) }
}

export function withAnswer(
  conversation: Conversation,
  turnId: string,
  pictureId: string,
  answer: AnswerState,
): Conversation {
  return {
    ...conversation,
    turns: conversation.turns.map((turn) =>
      turn.id === turnId ? { ...turn, answers: { ...turn.answers, [pictureId]: answer } } : turn,
    ),
  }
}

/** With what a look at a picture found. */
export function withPhotograph(
  conversation: Conversation,
  pictureId: string,
  photograph: boolean,
): Conversation {
  return {
    ...conversation,
    pictures: conversation.pictures.map((picture) =>
      picture.id === pictureId ? { ...picture, photograph } : picture,
    ),
  }
}

/** Questions and answers about one picture before this turn, for the prompt. Captions are no part of it. */
export function earlierTurns(
  conversation: Conversation,
  turn: Turn,
  pictureId: string,
): { question: string; answer: string }[] {
  const byId = new Map(conversation.turns.map((candidate) => [candidate.id, candidate]))
  const earlier: { question: string; answer: string }[] = []
  for (let at = turn.parent; at !== null; at = byId.get(at)?.parent ?? null) {
    const { question = null, answers = {} } = byId.get(at) ?? {}
    const text = answerText(answers[pictureId])
    if (question !== null && text !== '') earlier.unshift({ question, answer: text })
  }
  return earlier
}

/** What has been written, whatever became of it. */
export function answerText(answer: AnswerState | undefined): string {
  return answer !== undefined && 'text' in answer ? answer.text : ''
}

/** The engine is at work on it. */
export function isUnderWay(answer: AnswerState): boolean {
  return ['reading', 'opening', 'looking', 'writing'].includes(answer.status)
}

/** What a conversation is called in a list. */
export function titleOf(conversation: Conversation): string {
  const names = conversation.pictures.map(({ name }) => name).join(' · ')
  const first = conversation.turns.find(({ question }) => question !== null)?.question
  return first === undefined || first === null ? names : `${names}: ${first}`
}

/** Every word that was asked or answered, for searching. */
export function contains(conversation: Conversation, words: string): boolean {
  const said = conversation.turns.flatMap(({ question, answers }) => [
    question ?? '',
    ...Object.values(answers).map(answerText),
  ])
  const text = [titleOf(conversation), ...said].join('\n').toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

/** As it can be kept: what was under way when the page closed is cut off. */
export function afterReload(conversation: Conversation): Conversation {
  const settled = (answer: AnswerState): AnswerState =>
    isUnderWay(answer) || answer.status === 'waiting'
      ? { status: 'failed', text: answerText(answer), failure: CUT_OFF }
      : answer
  return {
    ...conversation,
    turns: conversation.turns.map((turn) => ({
      ...turn,
      answers: Object.fromEntries(
        Object.entries(turn.answers).map(([picture, answer]) => [picture, settled(answer)]),
      ),
    })),
  }
}

const CUT_OFF: Failure = {
  code: 'cancelled',
  message: 'The page was closed before this answer was finished; write it again.',
}
