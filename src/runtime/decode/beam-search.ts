/**
 * Beam search with transformers' bookkeeping (`GenerationMixin._beam_search`, `early_stopping=False`): scores are
 * summed log-probabilities after the processors; twice as many candidates as beams are looked at, of which those that
 * end may finish only from the first half; a finished one is scored by sum ÷ length^penalty, its last token counted.
 */
import type { DecodingSettings } from '../../pack/decoding.ts'
import { logSoftmax, penalise, penalises } from './logits.ts'

export interface Hypothesis {
  /** New tokens, the ending one included. */
  tokens: number[]
  /** Sum of log-probabilities, divided by length^penalty once it is finished. */
  score: number
  ended: boolean
}

interface Candidate {
  parent: number
  token: number
  sum: number
}

export interface BeamContext {
  /** Image tokens, BOS and prompt. */
  promptIds: readonly number[]
  eosIds: readonly number[]
}

/** What to run next: token `tokens[i]` behind what row `parents[i]` was. */
export interface BeamStep {
  tokens: number[]
  parents: number[]
}

export class BeamSearch {
  readonly #settings: DecodingSettings
  readonly #context: BeamContext
  #running: Hypothesis[]
  #finished: Hypothesis[] = []
  #newTokens = 0

  constructor(settings: DecodingSettings, context: BeamContext) {
    this.#settings = settings
    this.#context = context
    // All rows begin alike, so only the first one counts at the first step.
    this.#running = Array.from({ length: settings.beams }, (_, row) => ({
      tokens: [],
      score: row === 0 ? 0 : NEVER,
      ended: false,
    }))
  }

  /** The best of what is there so far, finished or not, for showing. */
  get best(): Hypothesis {
    const [running, finished] = [this.#running[0], this.#finished[0]]
    if (running === undefined) throw new Error('A beam search has at least one beam.')
    if (finished === undefined) return running
    const now = running.score / this.#newTokens ** this.#settings.lengthPenalty
    return finished.score >= now ? finished : running
  }

  /** Finished hypotheses, the best first. */
  get answers(): Hypothesis[] {
    return this.#finished.slice(0, this.#settings.answers)
  }

  /**
   * Takes the logits of all rows, [vocabulary] each, or of the first one alone at the first step, where all are alike;
   * they are overwritten. Returns what to run next, or null when the search is over.
   */
  advance(logits: readonly Float32Array[]): BeamStep | null {
    const { beams, maxNewTokens, lengthPenalty } = this.#settings
    const candidates = this.#candidates(logits)
    this.#newTokens += 1
    const atLimit = this.#newTokens === maxNewTokens
    const stops = ({ token }: Candidate): boolean => atLimit || this.#context.eosIds.includes(token)

    const finishing = candidates.slice(0, beams).filter(stops)
    const divisor = this.#newTokens ** lengthPenalty
    this.#finished = [
      ...this.#finished,
      ...finishing.map((candidate) => ({ ...this.#grown(candidate), score: candidate.sum / divisor })),
    ]
      .sort((a, b) => b.score - a.score)
      .slice(0, beams)
    if (atLimit) return null

    const going = candidates.filter((candidate) => !stops(candidate)).slice(0, beams)
    this.#running = going.map((candidate) => this.#grown(candidate))
    const bestRunning = (this.#running[0]?.score ?? NEVER) / divisor
    const worstFinished = Math.min(...this.#finished.map(({ score }) => score))
    if (this.#finished.length === beams && !(bestRunning > worstFinished)) return null
    return { tokens: going.map(({ token }) => token), parents: going.map(({ parent }) => parent) }
  }

  #grown({ parent, token, sum }: Candidate): Hypothesis {
    const before = this.#running[parent]?.tokens ?? []
    return { tokens: [...before, token], score: sum, ended: this.#context.eosIds.includes(token) }
  }

  /** The best candidates over all rows, best first. */
  #candidates(logits: readonly Float32Array[]): Candidate[] {
    const { promptIds, eosIds } = this.#context
    const wanted = Math.max(2, 1 + eosIds.length) * this.#settings.beams
    const best: Candidate[] = []
    for (const [row, { tokens, score }] of this.#running.entries()) {
      const own = logits[row]
      const scores = own ?? logits[0] ?? NO_SCORES
      if (own !== undefined) {
        logSoftmax(scores)
        const newTokens = tokens.length
        if (penalises(this.#settings, newTokens))
          penalise(scores, this.#settings, { ids: [...promptIds, ...tokens], newTokens, eosIds })
      }
      choose(best, wanted, scores, row, score)
    }
    return best
  }
}

const NO_SCORES = new Float32Array(0)

/** Puts a row's candidates among the best so far. */
function choose(best: Candidate[], wanted: number, scores: Float32Array, row: number, score: number): void {
  let least = best.length < wanted ? -Infinity : (best.at(-1)?.sum ?? -Infinity)
  for (let token = 0; token < scores.length; token += 1) {
    const sum = Math.fround((scores[token] ?? 0) + score)
    if (best.length === wanted && !(sum > least)) continue
    insert(best, { parent: row, token, sum }, wanted)
    if (best.length === wanted) least = best.at(-1)?.sum ?? -Infinity
  }
}

/** transformers gives rows that must not be chosen this score instead of minus infinity. */
const NEVER = -1e9

/** Keeps `sorted` in falling order and at most `most` long; the earlier one wins among equals. */
function insert(sorted: Candidate[], candidate: Candidate, most: number): void {
  let at = sorted.length
  while (at > 0 && (sorted[at - 1]?.sum ?? Infinity) < candidate.sum) at -= 1
  sorted.splice(at, 0, candidate)
  if (sorted.length > most) sorted.pop()
}
