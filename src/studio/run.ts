/** What a run does to one picture, as plain data: whether it is due, what it becomes, what is asked about it. */
import { emptyAnswerText } from '../pack/empty-answer.ts'
import type { Failure } from '../pack/failure.ts'
import { altTextFrom } from './alt-text.ts'
import { captionOf, withCaption, type Author, type CaptionedPicture, type Candidate } from './caption.ts'
import { combined, dressed, isWanted } from './compose.ts'
import { filledDress } from './placeholders.ts'
import type { RunSettings, Target } from './project.ts'

/** The run that settles a picture; null where one is captioned by itself, and stays settled by whichever run did that. */
export interface Settling {
  id: string | null
  settings: RunSettings
}

/** What a model said of a picture. */
export interface Said {
  text: string
  tokenIds: readonly number[]
  answers: readonly Candidate[]
  finish: 'end' | 'limit' | 'stopped'
}

/** The text of a picture that runs of this target write; '' where there is none. */
export function targetText(picture: CaptionedPicture, target: Target): string {
  switch (target) {
    case 'caption':
      return captionOf(picture)
    case 'alt-text':
      return picture.altText
    case 'long-description':
      return picture.longDescription
  }
}

/** The pictures that a run of these settings has something to do with. */
export function wantedPaths(
  pictures: readonly CaptionedPicture[],
  { target, existing }: Pick<RunSettings, 'target' | 'existing'>,
): string[] {
  return pictures.filter((picture) => isWanted(targetText(picture, target), existing)).map(({ path }) => path)
}

/**
 * The picture as the run leaves it: with one text more, or with why there is none. Whoever keeps this keeps in the same
 * step that the run is through with it, so that no text is written, or added to another, twice.
 */
export function withSaid(
  picture: CaptionedPicture,
  said: Said,
  { id, settings }: Settling,
  { model, at, root }: { model: string; at: number; root: string },
): CaptionedPicture {
  const run = id ?? picture.run
  // What a person has written while the model was at it is there, too.
  if (!isWanted(targetText(picture, settings.target), settings.existing))
    return { ...picture, run, failure: null }
  if (said.text.trim() === '') {
    const message = emptyAnswerText({ tokens: said.tokenIds.length, finish: said.finish })
    return withFailure(picture, { code: 'no-words', message }, run)
  }
  const { target, asked, decoding, existing, dress } = settings
  const caption = targetText(picture, target)
  const filled = filledDress(dress, { path: picture.path, root, caption })
  const compose = (text: string): string => combined(caption, dressed(text, filled), existing)
  const text = compose(said.text)
  const candidates = said.answers.length < 2 ? [] : distinct(said.answers, compose)
  const settled = { ...picture, run, failure: null, candidates }
  if (target === 'alt-text')
    return { ...settled, candidates: [], altText: altTextFrom(text), altAccepted: false }
  if (target === 'long-description') return { ...settled, candidates: [], longDescription: text }
  const prompt = asked.kind === 'caption' ? asked.prompt : asked.question
  const by: Author = { kind: 'model', model, prompt, settings: decoding }
  return withCaption(settled, { text, by, at, score: said.answers[0]?.score ?? null })
}

export function withFailure(
  picture: CaptionedPicture,
  failure: Failure,
  run: string | null,
): CaptionedPicture {
  return { ...picture, run, failure }
}

/** Answers as captions, each once. */
function distinct(answers: readonly Candidate[], compose: (text: string) => string): Candidate[] {
  const texts = new Map<string, Candidate>()
  for (const { text, score } of answers) {
    const whole = compose(text)
    if (text.trim() !== '' && !texts.has(whole)) texts.set(whole, { text: whole, score })
  }
  return [...texts.values()]
}
