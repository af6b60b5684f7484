/**
 * A conversation as it is kept, so that several pages may change it at once and none undoes what another did: turns
 * carry ids, nothing is taken out at once, and each removal is a thing of its own that Undo lifts again. Pure changes;
 * `merge.ts` brings two versions together.
 */
import type { AnswerState, Conversation, Picture, SettledAnswer, Turn } from './conversation.ts'

export interface KeptConversation {
  id: string
  /** How often it was written to where it is kept. */
  revision: number
  /** Milliseconds since 1970. */
  changedAt: number
  /** What people called it last; absent where they never did. */
  title?: Title
  pictures: Picture[]
  /** All that were asked, those that a removal can still give back included. */
  turns: Turn[]
  /** Which of several siblings is shown, by the id of their parent (`''` for the first turn). */
  chosen: Record<string, Choice>
  removals: Removal[]
}

/** A name that people gave. */
export interface Title {
  /** Empty: it is called by its caption again. */
  text: string
  /** How many names came before it: the later of two counts. */
  after: number
}

export interface Choice {
  turn: string
  /** How many choices came before it in this place: the later of two is the one that counts. */
  after: number
}

/** Some turns of a conversation, or all of it, gone by one press of a button. */
export interface Removal {
  id: string
  /** The page that can still undo it. */
  tab: string
  /** What is gone, each with what it followed, so that what comes after it finds its place; null for everything. */
  turns: { id: string; parent: string | null }[] | null
  /** Undone ones are remembered, or another page would remove the same things once more. */
  status: 'undoable' | 'undone' | 'final'
}

/** A turn's answer about one picture, which try at it is meant, and the page that writes it. */
export interface AnswerPlace {
  turnId: string
  pictureId: string
  attempt: number
  tab: string
}

/** A new conversation, or one that was brought from elsewhere, about to be kept. An answer that is missing can be written. */
export function toKept({ id, changedAt, title, pictures, turns, chosen }: Conversation): KeptConversation {
  const choices = Object.entries(chosen).map(([parent, turn]) => [parent, { turn, after: 0 }] as const)
  const missing = Object.fromEntries(pictures.map((picture) => [picture.id, CUT_OFF] as const))
  return {
    id,
    revision: 0,
    changedAt,
    ...(title !== undefined && { title: { text: title, after: 0 } }),
    pictures,
    turns: turns.map((turn) =>
      pictures.every((picture) => picture.id in turn.answers)
        ? turn
        : { ...turn, answers: { ...missing, ...turn.answers } },
    ),
    chosen: Object.fromEntries(choices),
    removals: [],
  }
}

/** What people see of it; null when all of it is removed. Turns whose parent is gone follow the nearest one that is not. */
export function toShown(kept: KeptConversation): Conversation | null {
  const inForce = kept.removals.filter(({ status }) => status !== 'undone')
  const gone = new Map<string, string | null>()
  for (const { turns } of inForce) {
    if (turns === null) return null
    for (const { id, parent } of turns) gone.set(id, parent)
  }
  const { id, changedAt, pictures, title } = kept
  const chosen = Object.entries(kept.chosen).map(([parent, { turn }]) => [parent, turn] as const)
  const turns = gone.size === 0 ? kept.turns : withoutGone(kept.turns, gone)
  return {
    id,
    changedAt,
    ...(title !== undefined && title.text !== '' && { title: title.text }),
    pictures,
    turns: parentsFirst(turns),
    chosen: Object.fromEntries(chosen),
  }
}

function withoutGone(turns: readonly Turn[], gone: ReadonlyMap<string, string | null>): Turn[] {
  const standing = (parent: string | null): string | null => {
    let at = parent
    while (at !== null && gone.has(at)) at = gone.get(at) ?? null
    return at
  }
  return turns
    .filter(({ id }) => !gone.has(id))
    .map((turn) => {
      const parent = standing(turn.parent)
      return parent === turn.parent ? turn : { ...turn, parent }
    })
}

/** The same turns; those that came behind what follows them stand before it, and those that follow nothing known come first. */
function parentsFirst(turns: Turn[]): Turn[] {
  const placed = new Set<string | null>([null])
  if (turns.every(({ id, parent }) => placed.has(parent) && placed.add(id))) return turns
  const byId = new Map(turns.map((turn) => [turn.id, turn]))
  const ordered: Turn[] = []
  placed.clear()
  for (const turn of turns) {
    const line: Turn[] = []
    let at: Turn | undefined = turn
    while (at !== undefined && !placed.has(at.id)) {
      placed.add(at.id)
      line.push(at)
      at = byId.get(at.parent ?? '')
    }
    ordered.push(...line.reverse())
  }
  return ordered.map((turn) => (byId.has(turn.parent ?? '') ? turn : { ...turn, parent: null }))
}

/** Adds a turn and shows it. */
export function withTurn(kept: KeptConversation, turn: Turn): KeptConversation {
  return { ...withChosen(kept, turn), turns: [...kept.turns, turn] }
}

/** Shows this one of several siblings. */
export function withChosen(kept: KeptConversation, { id, parent }: Turn): KeptConversation {
  const before = kept.chosen[parent ?? '']
  if (before?.turn === id) return kept
  const choice = { turn: id, after: before === undefined ? 0 : before.after + 1 }
  return { ...kept, chosen: { ...kept.chosen, [parent ?? '']: choice } }
}

/** Under another name; without one it is called by its caption. */
export function withTitle(kept: KeptConversation, text: string): KeptConversation {
  const before = kept.title
  if (text === (before?.text ?? '')) return kept
  return { ...kept, title: { text, after: before === undefined ? 0 : before.after + 1 } }
}

/** With what became of an answer; nothing changes when that is somebody else's affair by now. */
export function withAnswer(
  kept: KeptConversation,
  place: AnswerPlace,
  answer: SettledAnswer,
): KeptConversation {
  return changeAnswers(kept, (before, turn, picture) =>
    turn.id === place.turnId && picture === place.pictureId && isOpen(before, place)
      ? numbered(answer, place.attempt)
      : before,
  )
}

/** Whether an answer is this page's to settle. One that others gave up, taking the page for gone, still is. */
export function isOpen(answer: AnswerState, { attempt, tab }: AnswerPlace): boolean {
  if (attemptOf(answer) !== attempt) return false
  return answer.status === 'failed' || (answer.status === 'waiting' && answer.tab === tab)
}

/** Has a failed answer written again in its place, by the page with this id. */
export function withAnotherAttempt(
  kept: KeptConversation,
  turnId: string,
  pictureId: string,
  tab: string,
): KeptConversation {
  return changeAnswers(kept, (before, turn, picture) =>
    turn.id === turnId && picture === pictureId && before.status === 'failed'
      ? { status: 'waiting', tab, attempt: attemptOf(before) + 1 }
      : before,
  )
}

export function attemptOf({ attempt = 0 }: AnswerState): number {
  return attempt
}

function numbered(answer: SettledAnswer, attempt: number): AnswerState {
  return attempt === 0 ? answer : { ...answer, attempt }
}

/** With what a look at a picture found. */
export function withPhotograph(
  kept: KeptConversation,
  pictureId: string,
  photograph: boolean,
): KeptConversation {
  if (kept.pictures.every(({ id, photograph: known }) => id !== pictureId || known === photograph))
    return kept
  const pictures = kept.pictures.map((picture) =>
    picture.id === pictureId ? { ...picture, photograph } : picture,
  )
  return { ...kept, pictures }
}

export function withRemoval(kept: KeptConversation, removal: Removal): KeptConversation {
  return { ...kept, removals: [...kept.removals, removal] }
}

/** Brings back what a removal took, whatever happened since. */
export function withUndone(kept: KeptConversation, removalId: string): KeptConversation {
  return changeRemovals(kept, (removal) =>
    removal.id === removalId ? { ...removal, status: 'undone' } : removal,
  )
}

/** From now on nothing brings it back, and what was said there is let go of. */
export function withFinal(kept: KeptConversation, removalId: string): KeptConversation {
  return withoutFinal(
    changeRemovals(kept, (removal) =>
      removal.id === removalId && removal.status === 'undoable' ? { ...removal, status: 'final' } : removal,
    ),
  )
}

/** Lets go of what final removals took: their list is all that stays of it. */
export function withoutFinal(kept: KeptConversation): KeptConversation {
  const final = kept.removals.filter(({ status }) => status === 'final')
  if (final.length === 0) return kept
  if (final.some(({ turns }) => turns === null)) return { ...kept, pictures: [], turns: [], chosen: {} }
  const gone = new Set(final.flatMap(({ turns }) => turns ?? []).map(({ id }) => id))
  if (!kept.turns.some(({ id }) => gone.has(id))) return kept
  return { ...kept, turns: kept.turns.filter(({ id }) => !gone.has(id)) }
}

/** All of it is removed, and nothing can bring it back. */
export function isGoneForGood({ removals }: KeptConversation): boolean {
  return removals.some(({ status, turns }) => status === 'final' && turns === null)
}

/** As a page that is gone left it: what it was to write is cut off, and nobody can undo its removals any more. */
export function withoutTab(kept: KeptConversation, gone: string): KeptConversation {
  const cutOff = changeAnswers(kept, (answer) =>
    answer.status === 'waiting' && answer.tab === gone ? numbered(CUT_OFF, attemptOf(answer)) : answer,
  )
  return withoutFinal(
    changeRemovals(cutOff, (removal) =>
      removal.tab === gone && removal.status === 'undoable' ? { ...removal, status: 'final' } : removal,
    ),
  )
}

/** Pages that have left something here which is their own: an answer to write, a removal to undo. */
export function tabsIn({ turns, removals }: KeptConversation): Set<string> {
  const tabs = new Set(removals.flatMap(({ status, tab }) => (status === 'undoable' ? [tab] : [])))
  for (const { answers } of turns)
    for (const answer of Object.values(answers)) if (answer.status === 'waiting') tabs.add(answer.tab)
  return tabs
}

const CUT_OFF: SettledAnswer = {
  status: 'failed',
  text: '',
  failure: {
    code: 'cancelled',
    message: 'The page was closed before this answer was finished; write it again.',
  },
}

/** The same conversation when nothing changes; the same turns where nothing changes. */
function changeAnswers(
  kept: KeptConversation,
  to: (answer: AnswerState, turn: Turn, pictureId: string) => AnswerState,
): KeptConversation {
  const turns = kept.turns.map((turn) => {
    const before = Object.entries(turn.answers)
    const after = before.map(([picture, answer]) => [picture, to(answer, turn, picture)] as const)
    const same = after.every(([, answer], i) => answer === before[i]?.[1])
    return same ? turn : { ...turn, answers: Object.fromEntries(after) }
  })
  return turns.every((turn, i) => turn === kept.turns[i]) ? kept : { ...kept, turns }
}

function changeRemovals(kept: KeptConversation, to: (removal: Removal) => Removal): KeptConversation {
  const removals = kept.removals.map(to)
  return removals.every((removal, i) => removal === kept.removals[i]) ? kept : { ...kept, removals }
}
