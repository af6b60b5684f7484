/** Why an answer has no text. */
import { AppError } from './failure.ts'
import type { PackManifest } from './manifest.ts'

export interface EmptyAnswer {
  /** Tokens that it has, the ending one included. */
  tokens: number
  finish: 'end' | 'limit' | 'stopped'
}

/** For those who want text. Throws `unsupported-model` where answers are token ids. */
export function assertWrites({ tokenizer }: Pick<PackManifest, 'tokenizer'>): void {
  if (tokenizer.tokenizer !== undefined) return
  throw new AppError(
    'unsupported-model',
    'This pack has no tokenizer, so its answers are token ids and no text; convert a checkpoint with its tokenizer files.',
  )
}

export function whyEmpty({ tokens, finish }: EmptyAnswer): 'stopped' | 'ended' | 'wordless' {
  if (tokens === 0 || finish === 'stopped') return 'stopped'
  return tokens === 1 && finish === 'end' ? 'ended' : 'wordless'
}

/** For the command line and captions of folders; the page has its own words in conversations. */
export function emptyAnswerText(answer: EmptyAnswer): string {
  const { tokens } = answer
  switch (whyEmpty(answer)) {
    case 'stopped':
      return 'The answer was stopped before its first word.'
    case 'ended':
      return 'The model ended its answer before its first word.'
    case 'wordless':
      return `The model wrote ${tokens} ${tokens === 1 ? 'token' : 'tokens'} and no words.`
  }
}
