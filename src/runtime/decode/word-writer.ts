/** Words that must and must not occur, where one token is chosen after the other: greedy search and sampling. */
import { AppError } from '../../pack/failure.ts'
import { largest } from './logits.ts'
import { allowOnly, stillToWrite, type TokenRules } from './word-rules.ts'

export class WordWriter {
  readonly #rules: TokenRules
  readonly #eosIds: readonly number[]
  readonly #maxNewTokens: number
  /** Whether a missing word was begun for the answer's sake and is to be written to its end. */
  #writing = false

  constructor(rules: TokenRules, eosIds: readonly number[], maxNewTokens: number) {
    this.#rules = rules
    this.#eosIds = eosIds
    this.#maxNewTokens = maxNewTokens
  }

  /**
   * The token behind `tokens`: what `draw` takes of `scores` [vocabulary], which are overwritten, unless that would end
   * the answer too early or spell what is banned. Throws `bad-usage` when the rules leave no token.
   */
  choose(scores: Float32Array, tokens: readonly number[], draw: (scores: Float32Array) => number): number {
    const { beginning, forced, spellsBanned } = this.#rules
    if (tokens.length < beginning.length) return draw(scores)
    const { needed, afresh, next, underway } = stillToWrite(forced, tokens)
    const left = this.#maxNewTokens - tokens.length
    this.#writing &&= underway
    if (needed > 0 && (this.#writing || afresh >= left)) allowOnly(scores, next)
    const unfit = (answer: readonly number[]): boolean =>
      spellsBanned?.(answer) === true || stillToWrite(forced, answer).needed >= left
    for (;;) {
      if (largest(scores) === -Infinity) throw contradiction()
      const token = draw(scores)
      if (needed > 0 && this.#eosIds.includes(token)) {
        scores[token] = -Infinity
        if (next.some((id) => (scores[id] ?? -Infinity) > -Infinity)) {
          allowOnly(scores, next)
          this.#writing = true
        }
      } else if (unfit([...tokens, token])) scores[token] = -Infinity
      else return token
    }
  }
}

export function contradiction(): AppError {
  return new AppError(
    'bad-usage',
    'No answer can hold all the words that it must and none that it must not; allow it more tokens, or ask for less.',
  )
}
