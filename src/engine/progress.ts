/** An answer as far as it has come, and what is known of it when it ends there. */
import type { Answered, AnswerProgress, Looked } from '../protocol/engine-calls.ts'
import type { Answer, AnswerSoFar } from '../runtime/talk/discussion.ts'

/** What is known of an answer's reliability once it is written; see `Answered.outside`. */
export type OutsideOf = (best: Answer) => number | null

export class Progress {
  readonly #report: (event: AnswerProgress) => void
  #look: Looked | null = null
  #outsideOf: OutsideOf = () => null
  #last: AnswerSoFar | null = null
  #startedAt = 0
  #firstAt = 0

  constructor(report: (event: AnswerProgress) => void) {
    this.#report = report
  }

  /** The picture has been looked at, and the prompt runs. */
  begin(look: Looked, outsideOf: OutsideOf): void {
    this.#look = look
    this.#outsideOf = outsideOf
    this.#startedAt = this.#firstAt = performance.now()
  }

  /** The answer has come a token further. */
  note(soFar: AnswerSoFar): void {
    if (this.#last === null) this.#firstAt = performance.now()
    this.#last = soFar
    this.#report({ stage: 'writing', text: soFar.text, tokens: soFar.tokenIds.length })
  }

  get answered(): Answered {
    const last = this.#last
    const best = last?.answers[0]
    return {
      text: last?.text ?? '',
      tokenIds: last?.tokenIds ?? [],
      answers: last?.answers.map(({ text, tokenIds, score }) => ({ text, tokenIds, score })) ?? [],
      finish: last?.finish ?? 'stopped',
      prefilled: last?.prefilled ?? 0,
      dropped: last?.dropped ?? 0,
      prefillMs: this.#firstAt - this.#startedAt,
      decodeMs: last === null ? 0 : performance.now() - this.#firstAt,
      look: this.#look,
      outside: best === undefined ? (this.#look?.outside ?? null) : this.#outsideOf(best),
    }
  }
}
