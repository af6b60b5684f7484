/** Changes to many captions at once: planned first, so that each can be seen, then done as one step that can be undone. */
import { AppError } from '../pack/failure.ts'
import { literally } from '../pack/literally.ts'
import { captionOf, withCaption, type CaptionedPicture } from './caption.ts'

export type BulkEdit =
  | { kind: 'replace'; find: string; by: string; regular: boolean; matchCase: boolean }
  | { kind: 'prefix'; text: string }
  | { kind: 'suffix'; text: string }
  | { kind: 'trim' }
  | { kind: 'lower-case' }

/** One caption that would change. */
export interface Change {
  path: string
  before: string
  after: string
}

/** Every change that an edit would make, in the pictures' order. Throws `bad-usage` for a pattern that is none. */
export function planEdit(pictures: readonly CaptionedPicture[], edit: BulkEdit): Change[] {
  const change = changer(edit)
  return pictures.flatMap((picture) => {
    if (picture.versions.length === 0) return []
    const before = captionOf(picture)
    const after = change(before)
    return after === before ? [] : [{ path: picture.path, before, after }]
  })
}

/** Does what was planned, but not to a caption that is another one by now. */
export function applyChanges(
  pictures: readonly CaptionedPicture[],
  changes: readonly Change[],
  step: string,
  at: number,
): CaptionedPicture[] {
  const byPath = new Map(changes.map((change) => [change.path, change]))
  return pictures.map((picture) => {
    const change = byPath.get(picture.path)
    if (change?.before !== captionOf(picture)) return picture
    return withCaption(picture, { text: change.after, by: { kind: 'person', step }, at, score: null })
  })
}

/** Steps that were done, and pictures as they were before each: only those that it changed. */
export interface History {
  done: readonly Step[]
  undone: readonly Step[]
}

export interface Step {
  name: string
  before: readonly CaptionedPicture[]
  after: readonly CaptionedPicture[]
}

export const NO_HISTORY: History = { done: [], undone: [] }
/** Beyond this the oldest go. */
const MOST_STEPS = 100

export function remember(
  { done }: History,
  name: string,
  before: readonly CaptionedPicture[],
  after: readonly CaptionedPicture[],
): History {
  const old = new Map(before.map((picture) => [picture.path, picture]))
  const changed = after.filter((picture) => old.get(picture.path) !== picture)
  if (changed.length === 0) return { done, undone: [] }
  const step = { name, before: changed.flatMap(({ path }) => old.get(path) ?? []), after: changed }
  return { done: [...done, step].slice(-MOST_STEPS), undone: [] }
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
    pictures: exchanged(pictures, step.after, step.before),
    history: { done: done.slice(0, -1), undone: [...undone, step] },
  }
}

export function redo(pictures: readonly CaptionedPicture[], { done, undone }: History): Travelled {
  const step = undone.at(-1)
  if (step === undefined) return { pictures: [...pictures], history: { done, undone } }
  return {
    pictures: exchanged(pictures, step.before, step.after),
    history: { done: [...done, step], undone: undone.slice(0, -1) },
  }
}

function exchanged(
  pictures: readonly CaptionedPicture[],
  from: readonly CaptionedPicture[],
  to: readonly CaptionedPicture[],
): CaptionedPicture[] {
  const old = new Map(from.map((picture) => [picture.path, picture]))
  const next = new Map(to.map((picture) => [picture.path, picture]))
  return pictures.map((picture) => {
    const [left, other] = [old.get(picture.path), next.get(picture.path)]
    if (left === undefined || other === undefined || !hasSameTexts(picture, left)) return picture
    if (picture === left) return other
    // A score, a failure or a run that came since stays; the score is of the texts that it was made of.
    const { versions, accepted, altText, altAccepted, longDescription, match } = other
    return { ...picture, versions, accepted, altText, altAccepted, longDescription, match }
  })
}

function hasSameTexts(one: CaptionedPicture, other: CaptionedPicture): boolean {
  return TEXTS.every((field) => one[field] === other[field])
}

/** What people change. Every change of a caption makes a new list of versions. */
const TEXTS = ['versions', 'accepted', 'altText', 'altAccepted', 'longDescription'] as const

function changer(edit: BulkEdit): (text: string) => string {
  switch (edit.kind) {
    case 'prefix':
      return (text) => edit.text + text
    case 'suffix':
      return (text) => text + edit.text
    case 'trim':
      return (text) => text.trim().replace(/\s+/g, ' ')
    case 'lower-case':
      return (text) => text.toLocaleLowerCase()
    case 'replace': {
      const pattern = patternOf(edit)
      // Without a pattern "$1" means itself.
      return edit.regular
        ? (text) => text.replace(pattern, edit.by)
        : (text) => text.replace(pattern, () => edit.by)
    }
  }
}

/** What is looked for: an expression as JavaScript has them, or the text itself. Throws `bad-usage`. */
export function patternOf({
  find,
  regular,
  matchCase,
}: {
  find: string
  regular: boolean
  matchCase: boolean
}): RegExp {
  if (find === '') throw new AppError('bad-usage', 'There is nothing to look for; write what to find.')
  const source = regular ? find : literally(find)
  try {
    return new RegExp(source, matchCase ? 'gu' : 'giu')
  } catch (cause) {
    throw new AppError('bad-usage', `"${find}" is no regular expression; mend it, or look for it as text.`, {
      cause,
    })
  }
}
