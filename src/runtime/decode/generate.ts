/** Decoding: from logits to answers, as `transformers.generate` defines them. */
import type { DecodingSettings } from '../../pack/decoding.ts'
import { throwIfCancelled } from '../../pack/failure.ts'
import type {
  Begun,
  Branches,
  GreedyStep,
  ScoreRow,
  Sequence,
  TopWanted,
} from '../language/language-model.ts'
import { BeamSearch, type Hypothesis } from './beam-search.ts'
import { Chosen } from './chosen.ts'
import { penalises, splitRows } from './logits.ts'
import { allWanted, readStep } from './top-wanted.ts'
import type { TokenRules } from './word-rules.ts'

export interface GenerateContext {
  /** Ids that count as there before the answer where repetition is looked at: see `PromptForm.countedIds`. */
  countedIds: readonly number[]
  /** Ids that end the answer; the one that does is part of it, as in transformers. */
  eosIds: readonly number[]
  signal?: AbortSignal | undefined
  /** Ends an answer early, looked at after each token when there is a single one: the text is cut later. */
  isOver?: (tokens: readonly number[]) => boolean
  /** What the answer may and must hold. */
  rules?: TokenRules | undefined
}

export interface Generated {
  /** The best answer so far, or the only one. */
  best: Hypothesis
  /** Positions that had to be run before the first token, queries included. */
  prefilled: number
  /** All answers, best first, once they are finished. */
  answers: Hypothesis[] | null
}

/**
 * Yields after every token. `prompt` holds the prompt's ids as the model's prompt form has them. Looks at the signal before each run of the model and throws `cancelled`; what was yielded before
 * stays valid.
 */
export async function* generate(
  sequence: Sequence,
  prompt: readonly number[],
  settings: DecodingSettings,
  context: GenerateContext,
): AsyncGenerator<Generated, void, undefined> {
  throwIfCancelled(context.signal)
  if (isPlainGreedy(settings) && context.rules === undefined && sequence.greedy !== undefined) {
    yield* chosenByDevice(sequence.greedy(prompt, settings.maxNewTokens), settings, context)
    return
  }
  const how = settings.beams > 1 ? searchBeams : settings.answers > 1 ? sampleMany : single
  let prefilled = 0
  const begin: Run['begin'] = async (wanted) => {
    const { ran, ...row } = await beginAnswer(sequence, prompt, settings.maxNewTokens, wanted)
    prefilled = ran
    return row
  }
  const answers = how({ sequence, promptIds: context.countedIds, settings, context, begin })
  for await (const { best, answers: finished } of answers)
    yield { best: finished?.[0] ?? best, prefilled, answers: finished }
}

/** Whether the likeliest token is chosen each time, without anything that changes what is likely. */
export function isPlainGreedy(settings: DecodingSettings): boolean {
  const { beams, answers, sampling } = settings
  return beams === 1 && answers === 1 && sampling === null && !penalises(settings, 0)
}

/** Greedy search where the device chooses. What it chose behind the end is not asked for. */
async function* chosenByDevice(
  steps: AsyncGenerator<GreedyStep, void, undefined>,
  settings: DecodingSettings,
  { eosIds, signal, isOver }: GenerateContext,
): AsyncGenerator<Generated, void, undefined> {
  const tokens: number[] = []
  let sum = 0
  for await (const { token, logProbability, ran } of steps) {
    tokens.push(token)
    sum += logProbability
    const ended = eosIds.includes(token)
    const score = sum / tokens.length ** settings.lengthPenalty
    const best = { tokens: [...tokens], score, ended }
    const over = ended || tokens.length === settings.maxNewTokens || isOver?.(tokens) === true
    yield { best, prefilled: ran, answers: over ? [best] : null }
    if (over) return
    throwIfCancelled(signal)
  }
}

interface Run {
  sequence: Sequence
  promptIds: readonly number[]
  settings: DecodingSettings
  context: GenerateContext
  /** Runs the prompt, to what is wanted of its last position. */
  begin: (wanted: TopWanted | null) => Promise<ScoreRow>
}

type Steps = AsyncGenerator<Omit<Generated, 'prefilled'>, void, undefined>

/** Greedy search or one sample, going on in the sequence itself: the next turn finds the answer in its cache. */
async function* single({ sequence, promptIds, settings, context, begin }: Run): Steps {
  const answer = new Chosen(settings, context, promptIds)
  let row = await begin(answer.wanted())
  for (;;) {
    const token = answer.choose(row)
    const over = answer.finished || context.isOver?.(answer.tokens) === true
    yield { best: answer.hypothesis(), answers: over ? [answer.hypothesis()] : null }
    if (over) return
    throwIfCancelled(context.signal)
    row = await readStep(sequence, token, answer.wanted())
  }
}

/** Several samples side by side; those that ended earlier run along, unheard, until all have. */
async function* sampleMany({ sequence, promptIds, settings, context, begin }: Run): Steps {
  const samples = Array.from(
    { length: settings.answers },
    (_, i) => new Chosen(settings, context, promptIds, (settings.sampling?.seed ?? 0) + i),
  )
  const first = await begin(samples[0]?.wanted() ?? null)
  const branches = await sequence.fork(settings.answers)
  try {
    let rows = samples.map(() => first)
    for (;;) {
      const tokens = samples.map((sample, i) => sample.choose(rows[i] ?? first))
      const hypotheses = samples.map((sample) => sample.hypothesis()).sort((a, b) => b.score - a.score)
      const over = samples.every((sample) => sample.finished)
      const [best] = hypotheses
      if (best !== undefined) yield { best, answers: over ? hypotheses : null }
      if (over) return
      throwIfCancelled(context.signal)
      rows = await stepBranches(branches, { tokens }, allWanted(samples.map((sample) => sample.wanted())))
    }
  } finally {
    branches.dispose()
  }
}

async function* searchBeams({ sequence, promptIds, settings, context, begin }: Run): Steps {
  const search = new BeamSearch(settings, { promptIds, eosIds: context.eosIds, rules: context.rules })
  const first = await begin(search.wanted()?.[0] ?? null)
  const branches = await sequence.fork(settings.beams)
  try {
    let rows = [first]
    for (;;) {
      const next = search.advance(rows)
      yield { best: search.best, answers: next === null ? search.answers : null }
      if (next === null) return
      throwIfCancelled(context.signal)
      rows = await stepBranches(branches, next, search.wanted())
    }
  } finally {
    branches.dispose()
  }
}

/** Begins, to what is wanted or to all logits where the model has no less. */
async function beginAnswer(
  sequence: Sequence,
  prompt: readonly number[],
  newTokens: number,
  wanted: TopWanted | null,
): Promise<ScoreRow & Pick<Begun, 'ran'>> {
  if (wanted !== null && sequence.top !== undefined) return sequence.top.begin(prompt, newTokens, wanted)
  const { logits, ran } = await sequence.begin(prompt, newTokens)
  return { logits, norm: null, ran }
}

async function stepBranches(
  branches: Branches,
  { tokens, parents }: { tokens: readonly number[]; parents?: readonly number[] },
  wanted: readonly TopWanted[] | null,
): Promise<ScoreRow[]> {
  if (wanted !== null && branches.top !== undefined) return branches.top(tokens, parents, wanted)
  const logits = await branches.step(tokens, parents)
  return splitRows(logits, tokens.length).map((row) => ({ logits: row, norm: null }))
}
