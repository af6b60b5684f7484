/** Steps that people did, to be taken back and done again in their order, on another visit too. Plain data. */
import type { CaptionedPicture, CaptionVersion } from './caption.ts'
import type { Failure } from '../pack/failure.ts'

/** What people change of a picture, on one side of a step. */
export interface Texts {
  /** The versions behind those that both sides have. */
  versions: readonly CaptionVersion[]
  accepted: boolean
  altText: string
  altAccepted: boolean
  longDescription: string
  match: number | null
  failure: Failure | null
}

/** One picture that a step changed. Only what differs is held: ten thousand captions are changed in a step. */
export interface PictureChange {
  path: string
  /** How many versions both sides have, the oldest. */
  kept: number
  before: Texts
  after: Texts
}

export interface Step {
  id: string
  name: string
  changes: readonly PictureChange[]
}

/** The last step that was done, and the last that was taken back, come last. */
export interface History {
  done: readonly Step[]
  undone: readonly Step[]
}

export const NO_HISTORY: History = { done: [], undone: [] }
/** Beyond either the oldest go; the last step stays, however large. */
const MOST_STEPS = 100
const MOST_CHANGES = 100_000

/** The history with what is different in `after`, and nothing to do again; the same one where nothing is. */
export function remember(
  history: History,
  { id, name }: Pick<Step, 'id' | 'name'>,
  before: readonly CaptionedPicture[],
  after: readonly CaptionedPicture[],
): History {
  const old = new Map(before.map((picture) => [picture.path, picture]))
  const changes = after.flatMap((picture) => {
    const former = old.get(picture.path)
    return former === undefined || former === picture ? [] : changeOf(former, picture)
  })
  if (changes.length === 0) return history
  return { done: bounded([...history.done, { id, name, changes }]), undone: [] }
}

export interface Travelled {
  pictures: CaptionedPicture[]
  history: History
}

/** Takes the last step back, of those pictures that are still as it left them: what was written since stays. */
export function undo(pictures: readonly CaptionedPicture[], { done, undone }: History): Travelled {
  const step = done.at(-1)
  if (step === undefined) return { pictures: [...pictures], history: { done, undone } }
  return {
    pictures: exchanged(pictures, step, 'after', 'before'),
    history: { done: done.slice(0, -1), undone: [...undone, step] },
  }
}

export function redo(pictures: readonly CaptionedPicture[], { done, undone }: History): Travelled {
  const step = undone.at(-1)
  if (step === undefined) return { pictures: [...pictures], history: { done, undone } }
  return {
    pictures: exchanged(pictures, step, 'before', 'after'),
    history: { done: [...done, step], undone: undone.slice(0, -1) },
  }
}

function changeOf(before: CaptionedPicture, after: CaptionedPicture): PictureChange {
  const differs = before.versions.findIndex((version, i) => version !== after.versions[i])
  const kept = differs < 0 ? Math.min(before.versions.length, after.versions.length) : differs
  return { path: after.path, kept, before: textsOf(before, kept), after: textsOf(after, kept) }
}

function textsOf(picture: CaptionedPicture, kept: number): Texts {
  const { accepted, altText, altAccepted, longDescription, match, failure } = picture
  const versions = picture.versions.slice(kept)
  return { versions, accepted, altText, altAccepted, longDescription, match, failure }
}

function bounded(steps: readonly Step[]): Step[] {
  let changes = 0
  const first = steps.findLastIndex((step, i) => {
    changes += step.changes.length
    return i < steps.length - 1 && changes > MOST_CHANGES
  })
  return steps.slice(Math.max(first + 1, steps.length - MOST_STEPS))
}

function exchanged(
  pictures: readonly CaptionedPicture[],
  { changes }: Step,
  from: 'before' | 'after',
  to: 'before' | 'after',
): CaptionedPicture[] {
  const byPath = new Map(changes.map((change) => [change.path, change]))
  return pictures.map((picture) => {
    const change = byPath.get(picture.path)
    if (change === undefined || !isAsLeft(picture, change.kept, change[from])) return picture
    const { versions, failure, ...texts } = change[to]
    return {
      ...picture,
      ...texts,
      versions: [...picture.versions.slice(0, change.kept), ...versions],
      // One that came since stays, as a run does; a score is of the texts that it was made of.
      failure: isSameFailure(picture.failure, change[from].failure) ? failure : picture.failure,
    }
  })
}

/** Whether a picture says what a side of a step says, however often either went through a database. */
function isAsLeft(picture: CaptionedPicture, kept: number, side: Texts): boolean {
  const versions = picture.versions.slice(kept)
  return (
    versions.length === side.versions.length &&
    versions.every((version, i) => VERSION.every((field) => version[field] === side.versions[i]?.[field])) &&
    TEXTS.every((field) => picture[field] === side[field])
  )
}

const VERSION = ['text', 'at', 'score'] as const
const TEXTS = ['accepted', 'altText', 'altAccepted', 'longDescription'] as const

function isSameFailure(one: Failure | null, other: Failure | null): boolean {
  return one?.code === other?.code && one?.message === other?.message
}
