import type { Failure } from '../pack/failure.ts'
import { alsoPossible, answerThatFits } from '../pack/prompt-too-long.ts'

/** A failure of the engine, which knows no settings, with the setting that is in the way. */
export function withSetting(failure: Failure): Failure {
  const tokens = answerThatFits(failure)
  if (tokens === null) return failure
  return { ...failure, message: alsoPossible(failure, `set “Longest answer” to ${tokens} or less`) }
}
