import { toFailure } from '../pack/failure.ts'

/** A failure as the line that the command line says it in. */
export function sentenceOf(error: unknown, about?: string): string {
  const { code, message } = toFailure(error)
  return `pictalk: ${about === undefined ? '' : `${about}: `}${message} [${code}]`
}
