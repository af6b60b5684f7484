/** Which of a folder's pictures are shown. */
import { altTextProblems } from './alt-text.ts'
import { captionOf, isEdited, isMachineMade, type CaptionedPicture } from './caption.ts'
import { COUNTS } from './counts.ts'
import { patternOf } from './edits.ts'
import { termsOf } from './query.ts'

export type Filter =
  /** A regular expression. */
  | { kind: 'pattern'; find: string }
  /** As `termsOf` takes it; capitals do not count. */
  | { kind: 'words'; query: string }
  | { kind: 'length'; of: keyof typeof COUNTS; atLeast: number; atMost: number }
  | { kind: 'missing' | 'edited' | 'machine-made' | 'accepted' | 'failed' | 'alt-text-problem' }
  /** Of a model's own score, or of the match between picture and caption; what has none is left out. */
  | { kind: 'score'; of: 'caption' | 'match'; atLeast: number; atMost: number }
  | { kind: 'not'; filter: Filter }

/** Pictures that pass every filter, in their order. Throws `bad-usage` for a pattern that is none. */
export function filtered(
  pictures: readonly CaptionedPicture[],
  filters: readonly Filter[],
): CaptionedPicture[] {
  const tests = filters.map(testOf)
  return pictures.filter((picture) => tests.every((test) => test(picture)))
}

function testOf(filter: Filter): (picture: CaptionedPicture) => boolean {
  switch (filter.kind) {
    case 'pattern': {
      const pattern = patternOf({ find: filter.find, regular: true, matchCase: false })
      return (picture) => captionOf(picture).search(pattern) >= 0
    }
    case 'words':
      return saysWords(filter.query)
    case 'length':
      return (picture) => isWithin(COUNTS[filter.of](captionOf(picture)), filter)
    case 'missing':
      return (picture) => captionOf(picture).trim() === ''
    case 'edited':
      return isEdited
    case 'machine-made':
      return (picture) => isMachineMade(picture) && !picture.accepted
    case 'accepted':
      return ({ accepted }) => accepted
    case 'failed':
      return ({ failure }) => failure !== null
    case 'alt-text-problem':
      return ({ altText }) => altTextProblems(altText).length > 0
    case 'score':
      return (picture) => {
        const score = scoreOf(picture, filter.of)
        return score !== null && isWithin(score, filter)
      }
    case 'not': {
      const test = testOf(filter.filter)
      return (picture) => !test(picture)
    }
  }
}

function saysWords(query: string): (picture: CaptionedPicture) => boolean {
  const terms = termsOf(query).map((term) => ({
    ...term,
    pattern: patternOf({ find: term.text, regular: false, matchCase: false }),
  }))
  return (picture) =>
    terms.every(({ in: place, pattern, isWanted }) => {
      const text = place === 'path' ? picture.path : captionOf(picture)
      return text.search(pattern) >= 0 === isWanted
    })
}

function isWithin(value: number, { atLeast, atMost }: { atLeast: number; atMost: number }): boolean {
  return value >= atLeast && value <= atMost
}

/** How sure the model was of the caption, or how well it matches; null where nobody said. */
export function scoreOf(picture: CaptionedPicture, of: 'caption' | 'match'): number | null {
  return of === 'match' ? picture.match : (picture.versions.at(-1)?.score ?? null)
}
