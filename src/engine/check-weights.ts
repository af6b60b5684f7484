/**
 * Hashes the weights of a loaded model that were given out as they were kept: behind the first answer, or when nobody has
 * asked for one. Reading and hashing touch no device, so they go on beside what comes then; only letting go of a model takes
 * a turn.
 */
import { AppError, toFailure, type Failure } from '../pack/failure.ts'
import type { LaterCheck } from '../pack/manifest.ts'
import type { BadWeights } from '../protocol/engine-calls.ts'
import type { WorkTurns } from './work-turns.ts'

export interface CheckOptions {
  /** Fires when the first answer is there. */
  answered: AbortSignal
  /** Whether the model is still loaded. */
  isLoaded: () => boolean
  /** Lets go of the model, and of what it left behind: it ran on weights that were not what they should be. */
  stop: (why: Failure) => Promise<void>
}

/** Null when all weights are what they should be, or another model has taken the place. */
export async function checkWeights(
  later: LaterCheck,
  turns: WorkTurns,
  { answered, isLoaded, stop }: CheckOptions,
): Promise<BadWeights | null> {
  await untilWanted(turns, answered)
  const bad = await firstBad(later, isLoaded)
  if (bad === null) return null
  return turns.take(async () => {
    if (!isLoaded()) return null
    await stop(bad.failure)
    return bad.mended ? mendRest(later) : bad
  })
}

async function firstBad(later: LaterCheck, isLoaded: () => boolean): Promise<BadWeights | null> {
  try {
    while (isLoaded()) {
      const found = await later.next()
      if (found === 'done') return null
      if (found === 'mended') return MENDED
    }
    return null
  } catch (error) {
    return beyondRepair(toFailure(error))
  }
}

/**
 * Hashes all that was given out, after a model could not be loaded of it. Gives whether something was bad and is there
 * again, so that it is worth another try. Throws `corrupt` for what cannot be mended.
 */
export async function mendAll(later: LaterCheck | undefined, signal?: AbortSignal): Promise<boolean> {
  let mended = false
  for (;;) {
    const found = (await later?.next(signal)) ?? 'done'
    if (found === 'done') return mended
    mended ||= found === 'mended'
  }
}

/** Resolves with the first turn that nobody else wants, or when there was an answer. */
async function untilWanted(turns: WorkTurns, answered: AbortSignal): Promise<void> {
  const soon = { canWait: true, signal: answered }
  await turns.take(() => Promise.resolve(), soon).catch(() => undefined)
}

async function mendRest(later: LaterCheck): Promise<BadWeights> {
  try {
    await mendAll(later)
    return MENDED
  } catch (error) {
    return beyondRepair(toFailure(error))
  }
}

const MENDED: BadWeights = {
  failure: toFailure(
    new AppError(
      'corrupt',
      "A part of this model had gone bad in this browser's storage. It was fetched again and the model is loaded anew; what it answered since it was loaded before may be wrong.",
    ),
  ),
  mended: true,
}

function beyondRepair(failure: Failure): BadWeights {
  const isSaid = failure.code === 'corrupt' || failure.code === 'not-found'
  const sentence = `A part of this model had gone bad in this browser's storage, and fetching it again failed. ${failure.message}`
  return { failure: isSaid ? failure : toFailure(new AppError('corrupt', sentence)), mended: false }
}
