/** How well what was written fits its picture, in the eyes of a model that compares the two. */
import { AppError, toFailure, type Failure } from '../../pack/failure.ts'
import type { GetState, SetState } from '../store.ts'
import type { Comparing } from './comparing.ts'
import { phrasesOf } from './phrases.ts'

/** Of each text of one answer, in its order. */
export type Fit =
  | { status: 'judging' }
  /** Probabilities of a match; `by` is the model's name. */
  | { status: 'judged'; shares: readonly number[]; by: string }
  | { status: 'failed'; failure: Failure }

/** Where the phrases of a text point in a picture. */
export interface PointedAt {
  phrases: readonly string[]
  /** Patches a side. */
  grid: number
  /** For each phrase [grid · grid], by rows, from 0 to 1. */
  maps: readonly Float32Array[]
}

export interface FitsSlice {
  /** By `answerKey`, of what was asked about on this visit. */
  fits: Record<string, Fit>
  /** Once somebody wants to know of one answer, it is said of all that come. */
  saysFits: boolean
  judgeFit: (answer: string, pictureId: string, texts: readonly string[]) => Promise<void>
  /** Empty where the text names nothing. */
  pointAt: (picture: { id: string; image: Blob }, text: string) => Promise<PointedAt>
}

export function fitsSlice(
  set: SetState,
  get: GetState,
  comparing: Comparing,
  pictureFile: (id: string) => Promise<Blob | undefined>,
): FitsSlice {
  const note = (answer: string, fit: Fit): void => set({ fits: { ...get().fits, [answer]: fit } })
  return {
    fits: {},
    saysFits: false,
    async judgeFit(answer, pictureId, texts) {
      const before = get().fits[answer]
      if (before !== undefined && before.status !== 'failed') return
      set({ saysFits: true })
      note(answer, { status: 'judging' })
      try {
        const image = get().images[pictureId] ?? (await pictureFile(pictureId))
        const model = await comparing.model()
        if (image === undefined || model === null)
          throw new AppError(
            'not-found',
            'The picture of this answer is not here any more; add it again and ask anew.',
          )
        const matches = await comparing.call('match', {
          picture: { id: pictureId, image },
          texts: [...texts],
        })
        note(answer, { status: 'judged', shares: matches.map(({ itm }) => itm), by: model.manifest.name })
      } catch (error) {
        note(answer, { status: 'failed', failure: toFailure(error) })
      }
    },
    async pointAt(picture, text) {
      const phrases = phrasesOf(text)
      if (phrases.length === 0) return { phrases, grid: 1, maps: [] }
      return { phrases, ...(await comparing.call('point', { picture, words: phrases })) }
    },
  }
}
