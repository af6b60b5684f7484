/**
 * A conversation about one picture, or about several side by side: a tree of turns, of which one path is shown. Asking
 * again or otherwise makes a sibling; nothing that was said is lost. Plain data, as it is shown: how it is changed and
 * kept stands in `kept.ts`.
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
  /**
   * How much the picture looks like none of those that the model was taught, 0 to 1; absent where the model's limits are
   * not known.
   */
  outside?: number
  /** From its turn in the queue until it was written or stopped, by the clock on the wall; absent where that was not noted. */
  tookMs?: number
  /** What it was decoded with, in short; see `decodingKey`. */
  decoding?: string
  /** It was sampled, so as not to be the same again. */
  varied?: boolean
}

/** Whether a picture was taken for none of those that the model was taught, so that its answer is a guess. */
export function isGuess({ outside = 0 }: Pick<AnswerFacts, 'outside'>): boolean {
  return outside >= 0.5
}

/** An answer that nobody works on any more. */
export type SettledAnswer =
  | { status: 'done'; text: string; tokenIds: number[]; answers: AnswerText[]; facts: AnswerFacts }
  /** Cut off by something else than Stop; what had been written is kept. */
  | { status: 'failed'; text: string; failure: Failure }

/** What is kept of an answer. How far one is that is being written is no part of it: it dies with the page that writes. */
export type AnswerState = {
  /** Counts the tries at writing it; absent for the first. */
  attempt?: number
} & (
  | SettledAnswer
  /** To be written by the page with this id. */
  | { status: 'waiting'; tab: string }
)

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
  /** What people call it; absent where it is called by its caption. */
  title?: string
  pictures: Picture[]
  /** Parents stand before what follows them. */
  turns: Turn[]
  /** Which of several siblings is shown, by the id of their parent (`''` for the first turn). */
  chosen: Record<string, string>
}

/** The turns that are shown, first to last. */
export function shownTurns(conversation: Conversation): Turn[] {
  const path: Turn[] = []
  let parent = ''
  for (;;) {
    const captions: readonly string[] = captionsAt(conversation, parent)
    const siblings = captions.flatMap((id) => turnsUnder(conversation, id))
    const chosen = conversation.chosen[parent] ?? conversation.chosen[captions[0] ?? '']
    const turn = siblings.find(({ id }) => id === chosen) ?? siblings.at(-1)
    if (turn === undefined) return path
    path.push(turn)
    parent = turn.id
  }
}

/** All turns that stand in the place of this one, itself included, in the order of their making. */
export function siblingsOf(conversation: Conversation, turn: Turn): readonly Turn[] {
  return captionsAt(conversation, turn.parent ?? '').flatMap((id) => turnsUnder(conversation, id))
}

/** The turn that what is asked next follows: no question leans on a caption, so all captions share what follows the first. */
export function lastTurnId(conversation: Conversation): string | null {
  const last = shownTurns(conversation).at(-1)
  return last === undefined ? null : (captionsAt(conversation, last.id)[0] ?? last.id)
}

/** Ids of the captions of which one is the turn with this id; of another turn only its own. */
function captionsAt(conversation: Conversation, id: string): readonly string[] {
  const captions = turnsUnder(conversation, '').filter(({ question }) => question === null)
  return captions.some((caption) => caption.id === id) ? captions.map((caption) => caption.id) : [id]
}

/** Ids of this turn and of everything that followed it. */
export function idsFrom(conversation: Conversation, turnId: string): string[] {
  const ids = [turnId]
  // The list grows while it is walked, until nothing follows any more.
  for (const id of ids) for (const turn of turnsUnder(conversation, id)) ids.push(turn.id)
  return ids
}

/** Conversations never change, so what follows what is worked out once for each. */
const trees = new WeakMap<Conversation, Map<string, Turn[]>>()

function turnsUnder(conversation: Conversation, parent: string): readonly Turn[] {
  let tree = trees.get(conversation)
  if (tree === undefined) {
    tree = new Map()
    for (const turn of conversation.turns) {
      const siblings = tree.get(turn.parent ?? '')
      if (siblings === undefined) tree.set(turn.parent ?? '', [turn])
      else siblings.push(turn)
    }
    trees.set(conversation, tree)
  }
  return tree.get(parent) ?? []
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
    if (question !== null && text !== '') earlier.push({ question, answer: text })
  }
  return earlier.reverse()
}

/** What has been written, whatever became of it. */
export function answerText(answer: AnswerState | undefined): string {
  return answer !== undefined && 'text' in answer ? answer.text : ''
}

/** What a conversation is called in a list: as people named it, by the caption of its pictures, else by their names. */
export function titleOf(conversation: Conversation): string {
  return conversation.title ?? captionIn(conversation) ?? namesOf(conversation)
}

/** What a model wrote of the first picture that it could say something of; null where there is nothing yet. */
export function captionIn({ pictures, turns }: Pick<Conversation, 'pictures' | 'turns'>): string | null {
  const [first] = turns
  const captions = pictures.map(({ id }) => {
    const answer = first?.question === null ? first.answers[id] : undefined
    return answer?.status === 'done' ? answer.text.trim() : ''
  })
  return captions.find((caption) => caption !== '') ?? null
}

/** The names of a conversation's pictures. */
export function namesOf({ pictures }: Pick<Conversation, 'pictures'>): string {
  return pictures.map(({ name }) => name).join(' · ')
}
