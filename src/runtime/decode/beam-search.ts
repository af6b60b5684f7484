/**
 * Beam search with transformers' bookkeeping (`GenerationMixin._beam_search`, `early_stopping=False`): scores are
 * summed log-probabilities after the processors; twice as many candidates as beams are looked at, of which those that
 * end may finish only from the first half; a finished one is scored by sum ÷ length^penalty, its last token counted.
 */
import type { DecodingSettings } from '../../pack/decoding.ts'
import type { ScoreRow, TopWanted } from '../language/language-model.ts'
import { logSoftmax, penalise, penalises } from './logits.ts'
import { allWanted, candidatesOf, topWanted } from './top-wanted.ts'
import { allowOnly, stillToWrite, type StillToWrite, type TokenRules } from './word-rules.ts'
import { contradiction } from './word-writer.ts'

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
  rules?: TokenRules | undefined
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
    const [running, finished] = [this.#bestRunning, this.#finished[0]]
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
   * Takes the logits of all rows, or of the first one alone at the first step, where all are alike; they are
   * overwritten. Returns what to run next, or null when the search is over.
   */
  advance(rows: readonly ScoreRow[]): BeamStep | null {
    const { beams, maxNewTokens, lengthPenalty } = this.#settings
    const candidates = this.#candidates(rows)
    this.#newTokens += 1
    const atLimit = this.#newTokens === maxNewTokens
    const stops = ({ token }: Candidate): boolean => atLimit || this.#context.eosIds.includes(token)

    const finishing = (atLimit ? this.#whole(candidates) : candidates).slice(0, beams).filter(stops)
    const divisor = this.#newTokens ** lengthPenalty
    this.#finished = [
      ...this.#finished,
      ...finishing.map((candidate) => ({ ...this.#grown(candidate), score: candidate.sum / divisor })),
    ]
      .sort((a, b) => b.score - a.score)
      .slice(0, beams)
    const going = atLimit ? [] : this.#chosen(candidates.filter((candidate) => !stops(candidate)))
    if (going.length === 0) {
      if (this.#finished.length === 0) throw contradiction()
      return null
    }
    this.#running = going.map((candidate) => this.#grown(candidate))
    const bestRunning = (this.#bestRunning?.score ?? NEVER) / divisor
    const worstFinished = Math.min(...this.#finished.map(({ score }) => score))
    if (this.#finished.length === beams && !(bestRunning > worstFinished)) return null
    return { tokens: going.map(({ token }) => token), parents: going.map(({ parent }) => parent) }
  }

  /** What `advance` has to see of each row; null for all of it. At the first step all rows are alike. */
  wanted(): TopWanted[] | null {
    const { promptIds, eosIds, rules } = this.#context
    return allWanted(
      this.#running.map(({ tokens }) => {
        const ids = [...promptIds, ...tokens]
        return topWanted(this.#settings, { ids, newTokens: tokens.length, eosIds, rules })
      }),
    )
  }

  /** The first one but for forced words, for whose sake less likely ones may stand before it. */
  get #bestRunning(): Hypothesis | undefined {
    return this.#running.reduce<Hypothesis | undefined>(
      (best, one) => (best === undefined || one.score > best.score ? one : best),
      undefined,
    )
  }

  /** Those that may be answers as they are: with every word that must occur. */
  #whole(candidates: readonly Candidate[]): readonly Candidate[] {
    const forced = this.#context.rules?.forced ?? []
    if (forced.length === 0) return candidates
    return candidates
      .filter((candidate) => stillToWrite(forced, this.#grown(candidate).tokens).needed === 0)
      .sort((a, b) => b.sum - a.sum)
  }

  /** As many as there are beams; where the rules leave fewer, the first one again, never to be chosen. */
  #chosen(going: readonly Candidate[]): Candidate[] {
    const { beams } = this.#settings
    const forced = this.#context.rules?.forced ?? []
    const chosen =
      forced.length === 0
        ? going.slice(0, beams)
        : spread(going, (candidate) => stillToWrite(forced, this.#grown(candidate).tokens).needed, beams)
    const [first] = chosen
    while (first !== undefined && chosen.length < beams) chosen.push({ ...first, sum: NEVER })
    return chosen
  }

  #grown({ parent, token, sum }: Candidate): Hypothesis {
    const before = this.#running[parent]?.tokens ?? []
    return { tokens: [...before, token], score: sum, ended: this.#context.eosIds.includes(token) }
  }

  /** The best candidates over all rows, best first. */
  #candidates(given: readonly ScoreRow[]): Candidate[] {
    const { promptIds, eosIds, rules } = this.#context
    const wanted = candidatesOf(this.#settings, eosIds)
    const rows = this.#running.map((_, row) => (given[row] ?? given[0])?.logits ?? NO_SCORES)
    const advancing: Candidate[] = []
    for (const [row, { tokens, score }] of this.#running.entries()) {
      const of = given[row]
      if (of === undefined) continue
      const scores = of.logits
      logSoftmax(scores, of.norm ?? undefined)
      const newTokens = tokens.length
      if (penalises(this.#settings, newTokens, rules))
        penalise(scores, this.#settings, { ids: [...promptIds, ...tokens], newTokens, eosIds, rules })
      const { needed, next } = this.#askForWords(scores, tokens)
      if (needed > 0 && score > NEVER / 2)
        for (const token of next) advancing.push({ parent: row, token, sum: sumOf(scores, token, score) })
    }
    for (;;) {
      const best: Candidate[] = []
      for (const [row, { score }] of this.#running.entries())
        choose(best, wanted, rows[row] ?? NO_SCORES, row, score)
      if (rules === undefined) return best
      const more = advancing.filter(
        ({ parent, token }) => !best.some((one) => one.parent === parent && one.token === token),
      )
      const possible = [...best, ...more].filter(({ sum }) => sum > -Infinity)
      const unfit = possible.filter((candidate) => this.#isUnfit(candidate, rules))
      if (unfit.length === 0) return possible
      for (const { parent, token } of unfit) {
        const scores = rows[parent]
        if (scores !== undefined) scores[token] = -Infinity
        for (const one of advancing) if (one.parent === parent && one.token === token) one.sum = -Infinity
      }
    }
  }

  /** Keeps an answer from ending before it has its words, and from having too few tokens left for them. */
  #askForWords(scores: Float32Array, tokens: readonly number[]): StillToWrite {
    const { rules, eosIds } = this.#context
    const still = stillToWrite(rules?.forced ?? [], tokens)
    if (still.needed === 0 || tokens.length < (rules?.beginning.length ?? 0)) return { ...still, needed: 0 }
    for (const id of eosIds) scores[id] = -Infinity
    if (still.afresh >= this.#settings.maxNewTokens - tokens.length) allowOnly(scores, still.next)
    return still
  }

  /** Whether a candidate spells what is banned, or leaves too few tokens for what is missing. */
  #isUnfit(candidate: Candidate, { beginning, forced, spellsBanned }: TokenRules): boolean {
    const { tokens } = this.#grown(candidate)
    if (tokens.length <= beginning.length) return false
    const left = this.#settings.maxNewTokens - tokens.length
    return spellsBanned?.(tokens) === true || stillToWrite(forced, tokens).needed > left
  }
}

/**
 * Candidates in groups by how many tokens they still need, taken in turn: the best of those that are furthest, the best
 * of those one token behind them, and so on, then the second of each.
 */
function spread(
  candidates: readonly Candidate[],
  neededBy: (candidate: Candidate) => number,
  most: number,
): Candidate[] {
  const groups = new Map<number, Candidate[]>()
  for (const candidate of candidates) {
    const needed = neededBy(candidate)
    groups.set(needed, [...(groups.get(needed) ?? []), candidate])
  }
  const ordered = [...groups]
    .sort(([a], [b]) => a - b)
    .map(([, group]) => group.sort((a, b) => b.sum - a.sum))
  const turns = Math.max(0, ...ordered.map((group) => group.length))
  return Array.from({ length: turns }, (_, turn) => ordered.flatMap((group) => group[turn] ?? []))
    .flat()
    .slice(0, most)
}

function sumOf(scores: Float32Array, token: number, score: number): number {
  return Math.fround((scores[token] ?? 0) + score)
}

const NO_SCORES = new Float32Array(0)

/** Puts a row's candidates among the best so far. */
function choose(best: Candidate[], wanted: number, scores: Float32Array, row: number, score: number): void {
  let least = best.length < wanted ? -Infinity : (best.at(-1)?.sum ?? -Infinity)
  for (let token = 0; token < scores.length; token += 1) {
    const sum = sumOf(scores, token, score)
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
