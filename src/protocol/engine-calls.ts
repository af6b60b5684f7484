/**
 * Every call that the page makes to the engine worker, as one typed map: what goes in, which events come while it
 * runs, what comes out. Requests, replies, client and handlers are derived from it, so a wrong event is a type error.
 */
import type { PartName } from '../pack/families.ts'
import type { DecodingSettings } from '../pack/decoding.ts'
import type {
  DeviceReport,
  KernelChoice,
  MemoryChoice,
  MemoryReport,
  Provider,
} from '../pack/device-report.ts'
import type { DeviceSpeed } from '../pack/caption-work.ts'
import type { Failure } from '../pack/failure.ts'
import type { PackManifest } from '../pack/manifest.ts'
import { MOST_ROWS } from '../pack/memory-budget.ts'
import type { TowerStates } from '../pack/tower-states.ts'

export type LoadProgress =
  | { stage: 'fetching'; doneBytes: number; totalBytes: number }
  | { stage: 'preparing'; graph: PartName; done: number; total: number }
  /** What was prepared is run once, which builds its shaders. */
  | { stage: 'warming-up' }

export interface LoadedModel {
  device: DeviceReport
  manifest: PackManifest
  loadMs: number
}

export type LookProgress =
  | { stage: 'reading' }
  /** A graph that was put away is read and opened again. */
  | { stage: 'opening'; graph: 'vision' | 'q-former' }
  | { stage: 'looking'; width: number; height: number }

/** The same picture under the same id is looked at once by each model, and shares its KV cache from one answer to the next. */
export interface PictureSource {
  id: string
  image: Blob
}

/** What a look at a picture told of it. What the model saw stays with the engine. */
export interface Looked {
  width: number
  height: number
  /** It has the shades of a photograph; a drawing has not. */
  photograph: boolean
  /**
   * How much it looks like a picture of a sort that the model was not taught, 0 to 1; from ½ on it is taken for one. Null
   * for models whose limits are not known.
   */
  outside: number | null
  /** Decoding and resizing the picture; 0, like `lookMs`, when this model had seen it before. */
  readMs: number
  /** Vision encoder and Q-Former. */
  lookMs: number
}

export interface EarlierTurn {
  question: string
  answer: string
}

export interface AnswerRequest {
  picture: PictureSource
  asked:
    | { kind: 'caption'; prompt: string }
    | { kind: 'question'; question: string; earlier: EarlierTurn[]; template: string }
  settings: DecodingSettings
  /**
   * A caption that may be written together with others that are asked for in the same way: as rows of one batch, which
   * takes little longer than one alone. Its text and ids are those that it has by itself. It is for runs over many
   * pictures: keep `CAPTIONS_TOGETHER` calls under way, a new one for each that ends. No cache is kept for a question
   * behind it, conversations come between, and where the model or memory allows no rows they are written one by one.
   */
  together?: boolean | undefined
}

/** Calls of `answer` with `together` that keep the rows of a batch full, the next pictures being looked at meanwhile. */
export const CAPTIONS_TOGETHER = MOST_ROWS + 2

/** `text` is always the whole text so far, never a delta: lost or merged events do no harm. */
export type AnswerProgress = LookProgress | { stage: 'writing'; text: string; tokens: number }

export interface AnswerText {
  text: string
  tokenIds: number[]
  /** Sum of log-probabilities ÷ length^penalty. */
  score: number
}

export interface Answered {
  text: string
  tokenIds: number[]
  /** All answers that were asked for, best first; empty when Stop was pressed before the end. */
  answers: AnswerText[]
  /** Why it ended: the model ended its answer, the limit was reached, or Stop was pressed. */
  finish: 'end' | 'limit' | 'stopped'
  /** Positions that were run before the first token; the rest was in the KV cache. */
  prefilled: number
  /** Earlier turns that did not fit into the context. */
  dropped: number
  /** From the first row into the decoder to the first token out. */
  prefillMs: number
  /** All tokens after the first. */
  decodeMs: number
  /** The look that the answer waited for; null when it was stopped before that was done. */
  look: Looked | null
  /**
   * How little it can be relied on, as `Looked.outside` says it of the picture; a caption goes by its own words as well.
   * Null like that, and where nothing was looked at.
   */
  outside: number | null
}

/** What a device did in a short probe. */
export interface ProbedDevice {
  provider: Provider
  adapter: string
  software: boolean
  speed: DeviceSpeed
}

/** Weights of a loaded model had gone bad where they are kept. */
export interface BadWeights {
  /** What there is to say. */
  failure: Failure
  /** They were fetched again, so that the model may be loaded again. */
  mended: boolean
}

/** A pack under a URL (ending in `/`), or one that this browser keeps. */
export type PackPlace = { kind: 'web'; url: string } | { kind: 'kept'; id: string }

export interface EngineCalls {
  load: {
    in: {
      pack: PackPlace
      prefer: Provider | null
      memory: MemoryChoice
      /** Where kernels of our own are used; left out: `never`. */
      kernels?: KernelChoice | undefined
      /** Whether it is run once while it loads; left out: where that is worth its time. */
      warmUp?: boolean | undefined
    }
    event: LoadProgress
    out: LoadedModel
  }
  /** What would compute a model on `prefer` (null: either, where both are to be had) was tried for half a second each. */
  speed: { in: { prefer: Provider | null }; event: never; out: ProbedDevice[] }
  /** Changes what stays in memory of the loaded model, at once. */
  changeMemory: { in: { memory: MemoryChoice }; event: never; out: MemoryReport }
  /** Resolves when the graphics device of the loaded model goes away; at once with null where it runs on none. */
  untilLost: { in: null; event: never; out: Failure | null }
  /**
   * Weights that a browser keeps were verified when they were kept; they are hashed again behind the first answer, or when
   * nobody asks for anything. Resolves when that is over: with null when they are what they should be, or another model
   * has taken the place; else the model was let go of.
   */
  untilChecked: { in: null; event: never; out: BadWeights | null }
  /**
   * Whether the loaded model's steps are recorded and replayed. Resolves when that is known, which may be behind the first
   * answer; with null when the model was let go of before.
   */
  untilStepsKnown: { in: null; event: never; out: boolean | null }
  /**
   * Looks ahead, which comes behind all answers: it waits for them, and rejects `cancelled` when it is under way and an
   * answer about another picture is asked for.
   */
  look: { in: PictureSource; event: LookProgress; out: Looked }
  /**
   * Looks at the picture first if it has to. Cancelling ends the answer early and still resolves, with what was written
   * so far (`finish: 'stopped'`).
   */
  answer: { in: AnswerRequest; event: AnswerProgress; out: Answered }
  /**
   * What the loaded model's tower made of one of the pictures that it looked at last, for a model that stands on the same
   * one; null where there is none.
   */
  towerStates: { in: { pictureId: string }; event: never; out: TowerStates | null }
  /** Lets go of what was seen of pictures that are gone for good. */
  forget: { in: { pictureIds: string[] }; event: never; out: null }
  /** Answers at once, whatever is under way, unless the thread is blocked. */
  ping: { in: null; event: never; out: null }
  unload: { in: null; event: never; out: null }
}
