/**
 * Two versions of one conversation, as two pages have come to hold them, made one. It does not matter which is merged into
 * which, nor how often: nothing of either is lost, and both pages end with the same.
 */
import type { AnswerState, Picture, Turn } from './conversation.ts'
import {
  attemptOf,
  withoutFinal,
  type Choice,
  type KeptConversation,
  type Removal,
  type Title,
} from './kept.ts'

/**
 * Turns stand in the order of `kept`, those that only `mine` has come last. Parts that `kept` adds nothing to are the very
 * objects of `mine`, so that nothing is drawn again.
 */
export function merge(kept: KeptConversation, mine: KeptConversation): KeptConversation {
  const title = laterTitle(kept.title, mine.title)
  return withoutFinal({
    id: mine.id,
    revision: Math.max(kept.revision, mine.revision),
    changedAt: Math.max(kept.changedAt, mine.changedAt),
    ...(title !== undefined && { title }),
    pictures: mergeLists(kept.pictures, mine.pictures, mergePictures),
    turns: mergeLists(kept.turns, mine.turns, mergeTurns),
    chosen: mergeRecords(kept.chosen, mine.chosen, laterChoice),
    removals: mergeLists(kept.removals, mine.removals, mergeRemovals),
  })
}

/** Whether two versions say the same, however often they were written. */
export function isSame(a: KeptConversation, b: KeptConversation): boolean {
  return (
    a.changedAt === b.changedAt &&
    a.title === b.title &&
    a.pictures === b.pictures &&
    a.turns === b.turns &&
    a.chosen === b.chosen &&
    a.removals === b.removals
  )
}

function mergeTurns(kept: Turn, mine: Turn): Turn {
  const answers = mergeRecords(kept.answers, mine.answers, laterAnswer)
  return answers === mine.answers ? mine : { ...mine, answers }
}

/** The newer try; of the same try the one that is further; of two that are as far always the same one. */
function laterAnswer(kept: AnswerState, mine: AnswerState): AnswerState {
  const order =
    attemptOf(kept) - attemptOf(mine) ||
    RANK[kept.status] - RANK[mine.status] ||
    compare(writtenOf(kept), writtenOf(mine))
  return order > 0 ? kept : mine
}

/** A page that took another for gone may have given up an answer that was finished after all. */
const RANK: Record<AnswerState['status'], number> = { waiting: 0, failed: 1, done: 2 }

function writtenOf(answer: AnswerState): string {
  return answer.status === 'waiting' ? answer.tab : answer.text
}

function laterChoice(kept: Choice, mine: Choice): Choice {
  const order = kept.after - mine.after || compare(kept.turn, mine.turn)
  return order > 0 ? kept : mine
}

function laterTitle(kept: Title | undefined, mine: Title | undefined): Title | undefined {
  if (kept === undefined || mine === undefined) return mine ?? kept
  const order = kept.after - mine.after || compare(kept.text, mine.text)
  return order > 0 ? kept : mine
}

/** Bringing back wins over letting go: whoever brought it back still has it. */
const STAGE: Record<Removal['status'], number> = { undoable: 0, final: 1, undone: 2 }

function mergeRemovals(kept: Removal, mine: Removal): Removal {
  return STAGE[kept.status] > STAGE[mine.status] ? kept : mine
}

/** What a look found is a fact about the picture; where two models differ, it counts as a photograph. */
function mergePictures(kept: Picture, mine: Picture): Picture {
  const { photograph } = kept
  if (photograph === undefined || mine.photograph === true || photograph === mine.photograph) return mine
  return { ...mine, photograph }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function mergeLists<T extends { id: string }>(kept: T[], mine: T[], both: (kept: T, mine: T) => T): T[] {
  const own = new Map(mine.map((one) => [one.id, one]))
  const merged = kept.map((theirs) => {
    const ours = own.get(theirs.id)
    own.delete(theirs.id)
    return ours === undefined ? theirs : both(theirs, ours)
  })
  for (const ours of own.values()) merged.push(ours)
  return merged.length === mine.length && merged.every((one, i) => one === mine[i]) ? mine : merged
}

function mergeRecords<T>(
  kept: Record<string, T>,
  mine: Record<string, T>,
  both: (kept: T, mine: T) => T,
): Record<string, T> {
  let added = false
  const merged = { ...mine }
  for (const [key, theirs] of Object.entries(kept)) {
    const ours = mine[key]
    const chosen = ours === undefined ? theirs : both(theirs, ours)
    if (chosen === ours) continue
    merged[key] = chosen
    added = true
  }
  return added ? merged : mine
}
