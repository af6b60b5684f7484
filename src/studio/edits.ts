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
