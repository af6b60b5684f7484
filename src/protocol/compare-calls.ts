/** Every call to the thread that compares pictures with texts, as one typed map: see `engine-calls.ts`. */
import type { DecodingSettings } from '../pack/decoding.ts'
import type { DeviceReport, Provider } from '../pack/device-report.ts'
import type { PackManifest } from '../pack/manifest.ts'
import type { TowerStates } from '../pack/tower-states.ts'
import type { PackPlace, PictureSource } from './engine-calls.ts'

export type CompareProgress =
  /** The model is read and opened first: parts that are open, of how many. */
  | { stage: 'opening'; done: number; total: number }
  | { stage: 'looking' }
  /** The best so far of what is being written. */
  | { stage: 'writing'; text: string }

/** Which model compares, and beside what. */
export interface ComparingChoice {
  pack: PackPlace
  /** Null: whatever there is. */
  prefer: Provider | null
  /** What a model that talks takes of the same device, in bytes. */
  besideBytes: number
}

/** A model that compares, as far as is known without opening it. */
export interface ComparingModel {
  manifest: PackManifest<'blip2-itm'>
  /** What vectors depend on: an index made with another key is another index. */
  key: string
}

/** Where it computes, and whether it stays in memory between calls. */
export interface ComparingReport extends Pick<DeviceReport, 'provider' | 'adapter' | 'software' | 'reason'> {
  staysOpen: boolean
}

/** A picture, and what another model's tower made of it, where that is known: on the same tower it is not looked at again. */
export interface ComparedPicture extends PictureSource {
  states?: TowerStates | undefined
}

/** How well a text fits a picture. */
export interface TextMatch {
  /** Best cosine of the queries with the text. */
  itc: number
  /** Probability of a match. */
  itm: number
  /** [no match, match] */
  logits: readonly [number, number]
}

export interface LabelShare {
  label: string
  text: string
  itc: number
  /** Of all labels together 1. */
  probability: number
}

/** One of the texts that were written of a picture. */
export interface WrittenText {
  text: string
  tokenIds: number[]
  /** Sum of log-probabilities ÷ length^penalty */
  score: number
  finish: 'end' | 'limit'
}

export interface ImageFeatures {
  /** [Q, hidden] */
  queryOutput: Float32Array<ArrayBuffer>
  /** [Q, d], each of length 1 */
  vectors: Float32Array<ArrayBuffer>
}

export interface TextFeatures {
  ids: number[]
  /** [L, hidden] */
  output: Float32Array<ArrayBuffer>
  /** [L, d], each of length 1 */
  vectors: Float32Array<ArrayBuffer>
  /** The first of them, which stands for the text. */
  vector: Float32Array<ArrayBuffer>
}

export interface MultimodalFeatures {
  /** The queries with the text present, [Q, hidden] */
  queryOutput: Float32Array<ArrayBuffer>
  logits: readonly [number, number]
}

/** Attention of the queries, and of which grid of patches. */
export interface AttentionMaps {
  /** Layers that look at the picture. */
  layers: number
  heads: number
  queries: number
  /** Image tokens; the first is the class token, the others are patches by rows. */
  tokens: number
  /** [layers, heads, queries, tokens], each row a probability over the tokens */
  byHead: Float32Array<ArrayBuffer>
}

/** What the Q-Former makes of one picture and one text, for those who want to see how it works. */
export interface InsideLook extends TextMatch {
  /** Cosine of the text with each query, [Q]; `itc` is the largest. */
  likeness: Float32Array<ArrayBuffer>
  /** Layers that look at the picture. */
  layers: number
  queries: number
  /** Patches a side. */
  grid: number
  /** Where each query looks, [layers, Q, grid · grid], by rows from the top: the mean over heads, the largest of each 1. */
  alone: Float32Array<ArrayBuffer>
  /** The same while the queries see the text. */
  withText: Float32Array<ArrayBuffer>
}

/** Where words point, on a square grid of patches. */
export interface Pointing {
  /** Patches a side. */
  grid: number
  /** For each word [grid · grid], by rows from the top, from 0 to 1. */
  maps: Float32Array<ArrayBuffer>[]
}

/**
 * The model is opened when a call needs it, and once again when the graphics device went away meanwhile. Each call but
 * `choose` rejects `cancelled` as soon as its signal fires, and `not-found` before a model was chosen.
 */
export interface CompareCalls {
  /** Says which model compares from now on, and beside what; null for none. What is open of another is let go of. */
  choose: { in: ComparingChoice | null; event: never; out: ComparingModel | null }
  /** Opens the model, where somebody will soon want it. */
  open: { in: null; event: CompareProgress; out: ComparingReport }
  /** The picture with each of the texts. */
  match: { in: { picture: ComparedPicture; texts: string[] }; event: CompareProgress; out: TextMatch[] }
  imageFeatures: { in: { picture: ComparedPicture }; event: CompareProgress; out: ImageFeatures }
  textFeatures: { in: { texts: string[] }; event: CompareProgress; out: TextFeatures[] }
  /** The picture with each of the texts, looked at together. */
  multimodalFeatures: {
    in: { picture: ComparedPicture; texts: string[] }
    event: CompareProgress
    out: MultimodalFeatures[]
  }
  /** Probabilities over labels in a template, by likeness at a temperature. */
  classify: {
    in: { picture: ComparedPicture; labels: string[]; template: string; temperature?: number | undefined }
    event: CompareProgress
    out: { temperature: number; labels: LabelShare[] }
  }
  /**
   * Captions a picture without a language model, best first. Rejects `unsupported-model` for a model without a captioning
   * head.
   */
  write: {
    in: { picture: ComparedPicture; prompt: string; settings: DecodingSettings }
    event: CompareProgress
    out: WrittenText[]
  }
  /** Where the queries look, by themselves or with a text. */
  attend: {
    in: { picture: ComparedPicture; text: string | null }
    event: CompareProgress
    out: AttentionMaps
  }
  inside: { in: { picture: ComparedPicture; text: string }; event: CompareProgress; out: InsideLook }
  /** Where each of the words points; each is looked for by itself. */
  point: { in: { picture: ComparedPicture; words: string[] }; event: CompareProgress; out: Pointing }
  /** Lets go of what is open; the next call opens it again. */
  release: { in: null; event: never; out: null }
  ping: { in: null; event: never; out: null }
}
