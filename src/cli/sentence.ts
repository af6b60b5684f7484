import { toFailure } from '../pack/failure.ts'
import { alsoPossible, answerThatFits } from '../pack/prompt-too-long.ts'

/** A failure as the line that the command line says it in. */
export function sentenceOf(error: unknown, about?: string): string {
  const failure = toFailure(error)
  const tokens = answerThatFits(failure)
  const message =
    tokens === null ? failure.message : alsoPossible(failure, `give --max-new-tokens ${tokens} or less`)
  return `pictalk: ${about === undefined ? '' : `${about}: `}${message} [${failure.code}]`
}
