/** What the Q-Former makes of a picture and a text, for the page that shows how it works. */
import { AppError } from '../pack/failure.ts'
import type { ComparingModel, InsideLook } from '../protocol/compare-calls.ts'
import type { PictureSource } from '../protocol/engine-calls.ts'
import type { Comparing } from './search/comparing.ts'

/** A look, and the model that it was taken into. */
export interface Inside extends InsideLook {
  manifest: ComparingModel['manifest']
}

export interface InsideSlice {
  /** Rejects as the call does, and `cancelled` as soon as the signal fires. */
  lookInside: (picture: PictureSource, text: string, signal: AbortSignal) => Promise<Inside>
}

export function insideSlice(comparing: Comparing): InsideSlice {
  return {
    async lookInside(picture, text, signal) {
      const model = await comparing.model()
      if (model === null)
        throw new AppError('not-found', 'No model that compares pictures with texts is here.')
      return { ...(await comparing.call('inside', { picture, text }, { signal })), manifest: model.manifest }
    },
  }
}
