/** One answer being chosen token by token. */
import type { DecodingSettings } from '../../pack/decoding.ts'
import type { Choice, Logits, ScoreRow, TopWanted } from '../language/language-model.ts'
import type { Hypothesis } from './beam-search.ts'
import type { GenerateContext } from './generate.ts'
import { argmax, logSumExp, penalise, penalises } from './logits.ts'
import { Sampler } from './sampling.ts'
import { topWanted } from './top-wanted.ts'
import { WordWriter } from './word-writer.ts'

/** Greedy search's answer, or a sample. */
export class Chosen {
  readonly tokens: number[] = []
  readonly #settings: DecodingSettings
  readonly #context: GenerateContext
  /** Prompt and answer so far, as transformers counts ids. */
  readonly #ids: number[]
  readonly #sampler: Sampler | null
  readonly #writer: WordWriter | null
  #logProbability = 0
  #ended = false

  constructor(
    settings: DecodingSettings,
    context: GenerateContext,
    promptIds: readonly number[],
    seed: number = settings.sampling?.seed ?? 0,
  ) {
    this.#settings = settings
    this.#context = context
    this.#ids = [...promptIds]
    this.#sampler = settings.sampling === null ? null : new Sampler(settings.sampling, seed)
    const { rules, eosIds } = context
    this.#writer = rules === undefined ? null : new WordWriter(rules, eosIds, settings.maxNewTokens)
  }

  get finished(): boolean {
    return this.#ended || this.tokens.length === this.#settings.maxNewTokens
  }

  /** What `choose` has to see of the next row; null for all of it. */
  wanted(): TopWanted | null {
    const { eosIds, rules } = this.#context
    return topWanted(this.#settings, { ids: this.#ids, newTokens: this.tokens.length, eosIds, rules })
  }

  /** The next token from a row of logits; once finished, the ending one again and again. */
  choose({ logits, norm }: ScoreRow): number {
    if (this.finished) return this.tokens.at(-1) ?? 0
    const scores = this.#scores(logits)
    const draw = (from: Float32Array): number => this.#sampler?.draw(from) ?? argmax(from)
    const token = this.#writer?.choose(scores, this.tokens, draw) ?? draw(scores)
    return this.take({
      token,
      logProbability: Math.fround((logits[token] ?? 0) - (norm ?? logSumExp(logits))),
    })
  }

  /** The next token where something else has chosen it. */
  take({ token, logProbability }: Choice): number {
    this.#logProbability += logProbability
    this.tokens.push(token)
    this.#ids.push(token)
    this.#ended = this.#context.eosIds.includes(token)
    return token
  }

  hypothesis(): Hypothesis {
    const score = this.#logProbability / this.tokens.length ** this.#settings.lengthPenalty
    return { tokens: [...this.tokens], score, ended: this.#ended }
  }

  /** What is chosen from: the logits themselves where nothing is penalised. They are needed as they are for the score. */
  #scores(logits: Logits): Logits {
    const newTokens = this.tokens.length
    const { eosIds, rules } = this.#context
    if (!penalises(this.#settings, newTokens, rules)) return logits
    const scores = logits.slice()
    penalise(scores, this.#settings, { ids: this.#ids, newTokens, eosIds, rules })
    return scores
  }
}
