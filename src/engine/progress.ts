/** An answer as far as it has come, and what is known of it when it ends there. */
import type { Answered, AnswerProgress, Looked } from '../protocol/engine-calls.ts'
import type { AnswerSoFar } from '../runtime/talk/discussion.ts'

export class Progress {
  readonly #report: (event: AnswerProgress) => void
  #look: Looked | null = null
  #last: AnswerSoFar | null = null
  #startedAt = 0
  #firstAt = 0

  constructor(report: (event: AnswerProgress) => void) {
    this.#report = report
  }

  /** The picture has been looked at, and the prompt runs. */
  begin(look: Looked): void {
    this.#look = look
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
    }
  }
}
