/** What is measured of a model on a device: the one JSON of `npm run bench`, the page and a real GPU. */
import type { KernelTimes, OwnKernels } from '../pack/device-report.ts'
import type { PartName } from '../pack/families.ts'

/** Milliseconds, unless a name says otherwise; `null` is what cannot be had here. */
export interface BenchResult {
  model: { name: string; precision: string; packBytes: number; decoderBytes: number }
  device: {
    provider: string
    adapter: string
    f16: boolean
    software: boolean
    recordsSteps: boolean
    ownKernels: OwnKernels
    /** Of the vision encoder, and milliseconds of a picture on both, where both were measured. */
    visionKernels: OwnKernels
    visionTimes: KernelTimes | null
    /** Read and written, by copies. */
    copyBytesPerSecond: number | null
  }
  load: {
    /** While files of the pack were fetched and verified; sessions are made at the same time. */
    files: number
    bytes: number
    bytesPerSecond: number
    /** Sessions, weights on their way to the GPU included; the decoder's with the check of its recording. */
    sessions: Partial<Record<PartName, number>>
    /** Running everything once beforehand; 0 where that was left out. */
    warmUp: number
    total: number
  }
  /** What the first run of everything takes more than the second. */
  warmUp: number
  encode: { vision: number; qFormer: number }
  prefill: { positions: number; ms: number; positionsPerSecond: number }
  /** From pixels to the first token. */
  firstToken: { cold: number; warm: number }
  /** A question behind an answer: positions that were run before its first token, the rest being in the cache. */
  followUp: { positions: number; ms: number }
  decode: { recorded: DecodeResult | null; plain: DecodeResult }
  /** What reading every weight once allows, and what was reached of it. */
  limit: { weightBytesPerToken: number; tokensPerSecond: number; reached: number } | null
  /** Null where the device has no timestamps, or nobody asked for them. */
  kernels: KernelProfile | null
  memory: {
    /** GPU buffers, as this program asked for them: the most while loading, and the most afterwards. */
    gpuBytesLoading: number
    gpuBytesRunning: number
  }
}

/** Time inside kernels, by the device's clock: of one look, one prompt and so many tokens behind it. */
export interface KernelProfile {
  look: KernelTime[]
  prefill: KernelTime[]
  decode: { tokens: number; kernels: KernelTime[] }
}

/** All dispatches of one kernel. */
export interface KernelTime {
  /** Our own by their label, ONNX Runtime's by what their code binds. */
  name: string
  dispatches: number
  ms: number
  /** Of everything that they had bound, whether or not it was read. */
  boundBytes: number
  /** Those bytes a second, as a share of what copies reach; null where it would be more than all, or no time was seen. */
  ofBandwidth: number | null
}

export interface DecodeResult {
  tokens: number
  tokensPerSecond: number
  /** Medians per token. */
  ms: number
  /** The processor's part of it, choosing the token included: from token to token without the waiting for the GPU. */
  hostMs: number
  dispatches: number
  submits: number
  bytesRead: number
}
