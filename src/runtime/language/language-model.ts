/**
 * What decoding asks of a language model, whatever it is made of. Prompt and answer need not lie in one cache: a
 * decoder-only model goes on from what its cache and a prompt begin with in common, an encoder–decoder reads each
 * prompt afresh and keeps only the answer in its cache.
 */
import type { AppError } from '../../pack/failure.ts'
import type { KernelTimes, OwnKernels } from '../../pack/device-report.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import type { TracedTensor } from './traced.ts'

/** Logits are rows of [vocabulary], float32; whoever receives them owns them. */
export type Logits = Float32Array<ArrayBuffer>

export interface LanguageModel {
  /** Steps of one token are recorded once and replayed: on a GPU, where that works. Null until the first step shows it. */
  readonly records: boolean | null
  /** Whether it runs on kernels of our own. */
  readonly ownKernels: OwnKernels
  /** What a token takes on them and on ONNX Runtime's; null where not both were measured. */
  readonly kernelTimes: KernelTimes | null
  /** Whether recordings are used where there are any: to be turned off for a comparison. */
  useRecordings(use: boolean): void
  /** Ids that a prompt may have before an answer of `newTokens` tokens; not above 0 when there is no room at all. */
  promptRoom(newTokens: number): number
  /** Tokens that an answer may have behind a prompt of `promptTokens` ids; not above 0 when there is no room at all. */
  answerRoom(promptTokens: number): number
  /** Runs everything once on nothing, with a prompt of `tokens` tokens, so that shaders are built. */
  warmUp(tokens: number): Promise<void>
  /** Begins a sequence about one picture. Takes over `queries` [1, Q, text hidden]: it goes with the sequence. */
  start(queries: DeviceTensor): Sequence
  /**
   * Room for answers about several pictures as rows of one batch, `rows` of which are to begin with. Null where this
   * model, its device or its memory has none for two.
   */
  openBatch(rows: number, need: BatchNeed): Promise<Batch | null>
  /**
   * What the model computes for a prompt and the answer behind it: `logits` [1, rows, vocabulary], and whatever else
   * there is to compare. A decoder-only model's rows are the positions of picture and prompt; an encoder–decoder's are
   * the steps to each token of `answer`. Takes over `queries`.
   */
  trace(queries: DeviceTensor, prompt: readonly number[], answer: readonly number[]): Promise<TracedTensor[]>
  dispose(): Promise<void>
}

/** One picture's embeddings, a prompt, and the answer behind it. */
export interface Sequence {
  /**
   * Reads a prompt (ids as the model's own prompt form has them) and gets ready for an answer of `newTokens` tokens.
   * What was read or answered before is forgotten, or used again where the new prompt begins with it. Throws
   * `prompt-too-long` when picture, prompt and answer have more positions than the model may have here, `bad-pack`
   * when no numbers come out.
   */
  begin(prompt: readonly number[], newTokens: number): Promise<Begun>
  /**
   * Begins as `begin` does and goes on with the likeliest token each time, the lowest id among equals, `newTokens` in
   * all or until nobody asks for more: for devices that choose by themselves, so that no logits leave them and no step
   * waits for the one before. Undefined where the model cannot. Whether an answer is over is the caller's to see.
   */
  readonly greedy?:
    | ((prompt: readonly number[], newTokens: number) => AsyncGenerator<GreedyStep, void, undefined>)
    | undefined
  /** Where the device can leave most of the logits where they are; undefined where the model cannot. */
  readonly top?: TopReads | undefined
  /** Answers with `token`. Returns logits [vocabulary] of what may follow it. */
  step(token: number): Promise<Logits>
  /** Goes back to the first `count` tokens of the answer; the next `step` goes on behind them. */
  rewind(count: number): Promise<void>
  /** `count` continuations of this sequence, side by side. The sequence itself stays as it is. */
  fork(count: number): Promise<Branches>
  dispose(): void
}

/** A token that the model's device chose. */
export interface Choice {
  token: number
  /** Its own, among all tokens. */
  logProbability: number
}

export interface GreedyStep extends Choice {
  /** As in `Begun`. */
  ran: number
}

/** More than this devices do not find in a row of logits, by their place and by name: who wants more wants all. */
export const MOST_TOP = 64
export const MOST_BESIDES = 512

/** What is wanted of a row of logits where not all of it is. */
export interface TopWanted {
  /** How many of the likeliest, not counting those by name. */
  count: number
  /** Ids whose logits are wanted however unlikely they are, each once. */
  besides: readonly number[]
}

/** What was found of a row of logits. */
export interface TopRow {
  /** Logits by id. */
  found: Map<number, number>
  /** log Σ e^logit over the whole vocabulary. */
  norm: number
}

/** A row of logits of which not all need be known. */
export interface ScoreRow {
  /** [vocabulary]; −∞ where it is not known, which is below all that is. */
  logits: Logits
  /** log Σ e^logit over the whole vocabulary; null where all of `logits` is known and nobody has summed. */
  norm: number | null
}

/** `begin` and `step` of a sequence, for who needs but some of the logits. */
export interface TopReads {
  begin(
    prompt: readonly number[],
    newTokens: number,
    wanted: TopWanted,
  ): Promise<ScoreRow & Pick<Begun, 'ran'>>
  step(token: number, wanted: TopWanted): Promise<ScoreRow>
}

export interface Begun {
  /** [vocabulary] of what may come first in the answer. */
  logits: Logits
  /** Positions that were run, query embeddings included; the rest was in a cache. */
  ran: number
}

/** What one row of a batch must have room for. */
export interface BatchNeed {
  /** Ids, as `Sequence.begin` takes them. */
  promptTokens: number
  newTokens: number
}

/**
 * Answers about several pictures as rows of one batch, so that weights are read once for all of them. Each row has a
 * picture, a prompt, a length and an end of its own; one that ended makes room for the next. After a failure of `step`
 * nothing is left but to dispose of it.
 */
export interface Batch {
  /** Rows at most, as memory allows. */
  readonly rows: number
  /** Whether there is room for a row that needs so much. */
  takes(need: BatchNeed): boolean
  /**
   * Reads a prompt about a picture as a new row; the others stay as they are, whatever becomes of it. Takes over
   * `queries` [1, Q, text hidden]. Rejects as `Sequence.begin` does.
   */
  begin(queries: DeviceTensor, prompt: readonly number[], wanted: Wanted): Promise<BegunRow>
  /**
   * Answers with a token in each of these rows, all that have not ended. What comes next in each, in their order;
   * `bad-pack` for a row that has no numbers, which is to be ended and takes nothing from the others.
   */
  step(tokens: readonly { row: BatchRow; token: number }[], wanted: RowsWanted): Promise<(Next | AppError)[]>
  /** Its answer is over. */
  end(row: BatchRow): void
  dispose(): void
}

/** A row of a batch, from its beginning to its end. */
export interface BatchRow {
  /** Positions that it has in the cache. */
  readonly length: number
}

/** The logits of what comes next, some of them, or the likeliest token alone: each costs less where the device can. */
export type Wanted = 'logits' | 'choice' | TopWanted

/** The same of several rows. */
export type RowsWanted = 'logits' | 'choice' | readonly TopWanted[]

/** Logits [vocabulary], also where less was wanted and the device cannot tell it. */
export type Next = ScoreRow | Choice

export interface BegunRow {
  row: BatchRow
  next: Next
  /** As in `Begun`. */
  ran: number
}

/** Several continuations of one sequence, all of the same length. */
export interface Branches {
  /** Row i goes on from what row `parents[i]` was (left out: from itself), by `tokens[i]`. Returns [count, vocabulary]. */
  step(tokens: readonly number[], parents?: readonly number[]): Promise<Logits>
  /** The same, and of each row what is wanted of it; undefined where the model cannot. */
  readonly top?:
    | ((
        tokens: readonly number[],
        parents: readonly number[] | undefined,
        wanted: readonly TopWanted[],
      ) => Promise<ScoreRow[]>)
    | undefined
  dispose(): void
}
