/** Why an answer has no text: what page and command line say where its words would stand. */
export interface EmptyAnswer {
  /** Tokens that it has, the ending one included. */
  tokens: number
  finish: 'end' | 'limit' | 'stopped'
}

/** In one sentence. */
export function emptyAnswerText({ tokens, finish }: EmptyAnswer): string {
  if (tokens === 0 || finish === 'stopped') return 'The answer was stopped before its first word.'
  if (tokens === 1 && finish === 'end') return 'The model ended its answer before its first word.'
  return `The model wrote ${tokens} ${tokens === 1 ? 'token' : 'tokens'} and no words.`
}
