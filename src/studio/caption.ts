/** What is known of one picture of a captioned folder. Plain data; every change gives a new value. */
import type { DecodingSettings } from '../pack/decoding.ts'
import type { Failure } from '../pack/failure.ts'

/** Who wrote a caption. */
export type Author =
  | { kind: 'model'; model: string; prompt: string; settings: DecodingSettings }
  /** By hand, or by a step that a person ordered: `step` says which. */
  | { kind: 'person'; step?: string }
  /** It was there when the folder was opened; `machineMade` where it says that nobody has accepted it yet. */
  | { kind: 'file'; name: string; machineMade?: true }

export interface CaptionVersion {
  text: string
  by: Author
  /** Milliseconds since 1970. */
  at: number
  /** Sum of log-probabilities ÷ length^penalty, of a model's own text. */
  score: number | null
}

/** One of several answers of a model, to choose from. */
export interface Candidate {
  text: string
  score: number
}

export interface CaptionedPicture {
  /** Below the folder, with `/`. */
  path: string
  /** Oldest first; the last one is the caption. */
  versions: readonly CaptionVersion[]
  /** Whether a person has seen the caption as it is and found it right. */
  accepted: boolean
  /** What stands in for the picture, apart from its caption; '' where there is none. */
  altText: string
  /** Whether a person has seen the alternative text as it is and found it right; until then a machine made it. */
  altAccepted: boolean
  longDescription: string
  /** What the last run offered, best first; empty where it was not asked for several. */
  candidates: readonly Candidate[]
  /** The run that has settled this picture last. */
  run: string | null
  /** How well picture and caption fit each other, 0 to 1, by a model that was trained for it. */
  match: number | null
  /** Why the last attempt gave no caption. */
  failure: Failure | null
}

export function uncaptioned(path: string): CaptionedPicture {
  return {
    path,
    versions: [],
    accepted: false,
    altText: '',
    altAccepted: false,
    longDescription: '',
    candidates: [],
    run: null,
    match: null,
    failure: null,
  }
}

export function captionOf({ versions }: CaptionedPicture): string {
  return versions.at(-1)?.text ?? ''
}

/** The picture with one version more; the same one where nothing changes. Only a person's own words are accepted by that. */
export function withCaption(picture: CaptionedPicture, version: CaptionVersion): CaptionedPicture {
  if (version.text === captionOf(picture) && picture.failure === null) return picture
  const own = version.text !== '' && version.by.kind === 'person' && version.by.step === undefined
  return { ...picture, versions: [...picture.versions, version], accepted: own, match: null, failure: null }
}

/** Back to an earlier version: it becomes the last one again, so that nothing in between is lost. */
export function withVersion(picture: CaptionedPicture, index: number, at: number): CaptionedPicture {
  const version = picture.versions[index]
  return version === undefined ? picture : withCaption(picture, { ...version, at })
}

/** Whether a person has changed what a model or a file said. */
export function isEdited({ versions }: CaptionedPicture): boolean {
  return versions.length > 0 && versions.at(-1)?.by.kind === 'person'
}

/** Whose words the caption is: a step over many captions leaves them with whoever wrote them. */
export function writerOf({ versions }: CaptionedPicture): Author | undefined {
  return versions.findLast(({ by }) => by.kind !== 'person' || by.step === undefined)?.by
}

/** Whether the words are a machine's, as this folder or the file that they come from says. */
export function isMachineMade(picture: CaptionedPicture): boolean {
  const by = writerOf(picture)
  return by?.kind === 'model' || (by?.kind === 'file' && by.machineMade === true)
}
