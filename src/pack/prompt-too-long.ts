import type { Failure } from './failure.ts'

/**
 * The longest answer, in tokens, with which a question that was refused as `prompt-too-long` would have fitted; null for
 * other failures, and where no setting helps.
 */
export function answerThatFits({ code, details }: Failure): number | null {
  const tokens = details?.['answerTokens']
  return code === 'prompt-too-long' && typeof tokens === 'number' && tokens > 0 ? tokens : null
}

/** The sentence of a failure with something else that can be done about it, in the words of whoever shows it. */
export function alsoPossible({ message }: Failure, remedy: string): string {
  return `${message.replace(/\.$/, '')}, or ${remedy}.`
}
