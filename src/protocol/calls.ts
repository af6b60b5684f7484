/**
 * Every call that the page makes to the engine worker, as one typed map: what goes in, which events come while it
 * runs, what comes out. Requests, replies, client and handlers are derived from it, so a wrong event is a type error.
 */
import type { PackManifest } from '../pack/manifest.ts'

export type Provider = 'webgpu' | 'wasm'

/** What the engine found to run on. `reason` says in one sentence why WebGPU is not used, when it is not. */
export interface DeviceReport {
  provider: Provider
  /** Adapter vendor, architecture or description as the browser tells it; empty for WebAssembly. */
  adapter: string
  f16: boolean
  /** The adapter is a software rasteriser: right, but slow. */
  software: boolean
  reason: string | null
}

export type LoadProgress =
  | { stage: 'fetching'; doneBytes: number; totalBytes: number }
  | { stage: 'preparing'; graph: string; done: number; total: number }

export interface LoadedModel {
  device: DeviceReport
  manifest: PackManifest
  loadMs: number
}

/** `text` is always the whole text so far, never a delta: lost or merged events do no harm. */
export type CaptionProgress =
  | { stage: 'reading' }
  | { stage: 'looking'; width: number; height: number }
  | { stage: 'writing'; text: string; tokens: number }

export interface CaptionTimings {
  /** Decoding and resizing the picture. */
  readMs: number
  /** Vision encoder and Q-Former. */
  lookMs: number
  /** From the first row into the decoder to the first token out. */
  prefillMs: number
  /** All tokens after the first. */
  decodeMs: number
}

export interface Caption {
  text: string
  tokenIds: number[]
  /** Why it ended: the model ended its answer, the limit was reached, or Stop was pressed. */
  finish: 'end' | 'limit' | 'stopped'
  timings: CaptionTimings
}

export interface EngineCalls {
  load: { in: { packUrl: string; prefer: Provider | null }; event: LoadProgress; out: LoadedModel }
  /** Cancelling ends the answer early and still resolves, with what was written so far (`finish: 'stopped'`). */
  caption: { in: { image: Blob; prompt: string; maxNewTokens: number }; event: CaptionProgress; out: Caption }
  unload: { in: null; event: never; out: null }
}
