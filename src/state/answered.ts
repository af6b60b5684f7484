/** From what the engine answered to what is kept of it. */
import type { AnswerFacts, SettledAnswer } from '../conversation/conversation.ts'
import type { Note } from '../messages/note.ts'
import { whyEmpty, type EmptyAnswer } from '../pack/empty-answer.ts'
import type { Answered } from '../protocol/engine-calls.ts'

export function done(
  { text, tokenIds, answers, ...rest }: Answered,
  noted: Pick<AnswerFacts, 'tookMs' | 'decoding' | 'varied'>,
): SettledAnswer & { status: 'done' } {
  const { finish, prefilled, dropped, prefillMs, decodeMs, look, outside } = rest
  const lookMs = look === null ? 0 : look.readMs + look.lookMs
  return {
    status: 'done',
    text,
    tokenIds,
    answers,
    facts: {
      finish,
      prefilled,
      dropped,
      prefillMs,
      decodeMs,
      lookMs,
      ...noted,
      ...(outside !== null && { outside }),
    },
  }
}

/** With the name of the model that wrote it. */
export function signed(answer: SettledAnswer, model: string): SettledAnswer {
  return answer.status === 'done' ? { ...answer, facts: { ...answer.facts, model } } : answer
}

/** Instead of its words, where an answer has none. */
export function emptyAnswerNote(answer: EmptyAnswer): Note {
  const why = whyEmpty(answer)
  return why === 'wordless'
    ? { key: 'talk:answer.empty.wordless', values: { count: answer.tokens } }
    : { key: `talk:answer.empty.${why}` }
}

/** Stopped before there was anything to say. */
export const NOTHING: Answered = {
  text: '',
  tokenIds: [],
  answers: [],
  finish: 'stopped',
  prefilled: 0,
  dropped: 0,
  prefillMs: 0,
  decodeMs: 0,
  look: null,
  outside: null,
}
