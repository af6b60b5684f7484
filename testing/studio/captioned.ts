/** Pictures of every kind with the captions that a model might have given them, hard ones among them. */
import { GREEDY } from '../../src/pack/decoding.ts'
import { altTextFrom } from '../../src/studio/alt-text.ts'
import { uncaptioned, withCaption, type CaptionedPicture } from '../../src/studio/caption.ts'
import { textFor } from './every-kind.ts'

export const MODEL = 'tiny, q8'

/** The caption follows from `index`; every second alternative text was accepted. */
export function captioned(path: string, index: number): CaptionedPicture {
  const by = { kind: 'model', model: MODEL, prompt: '', settings: GREEDY } as const
  const picture = withCaption(uncaptioned(path), { text: textFor(index), by, at: 1, score: -index / 10 })
  return { ...picture, altText: altTextFrom(textFor(index)), altAccepted: index % 2 === 0 }
}
