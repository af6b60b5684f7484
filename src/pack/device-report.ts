/** What the engine found to run on, in the words that it and the page share. */
export type Provider = 'webgpu' | 'wasm'

/**
 * Whether the device has `subgroups`, or why not: the adapter lacks them, is a software rasteriser, has too small ones,
 * or failed the self-test with them; or the caller left them out.
 */
export type Subgroups = 'used' | 'absent' | 'software' | 'too-small' | 'wrong' | 'left-out'

/**
 * How kernels of our own have failed on a device: it went away, or had no room; they broke its rules, took too long to
 * compile, or a run of them did not come back.
 */
export type KernelFailure = 'lost' | 'memory' | 'invalid' | 'compiling' | 'stuck'

/**
 * Whether language model or vision encoder run on kernels of our own, or why not: it is not on a GPU, the caller left them
 * out, the adapter is a software rasteriser, model or device are not for them, the self-test came out otherwise than ONNX
 * Runtime, a token took longer or a picture more than two thirds as long, or they failed.
 */
export type OwnKernels =
  | 'used'
  | 'no-gpu'
  | 'left-out'
  | 'software'
  | 'unfit'
  | 'wrong'
  | 'slower'
  | KernelFailure

/** Milliseconds of a token of a greedy answer, or of a picture, as the self-test measured them. */
export interface KernelTimes {
  /** On kernels of our own. */
  own: number
  /** On ONNX Runtime's. */
  other: number
}

/** Where kernels of our own are used: wherever they pass on a graphics card, on software adapters as well, or nowhere. */
export type KernelChoice = 'auto' | 'always' | 'never'

/** Builds of ONNX Runtime: how its WebAssembly waits for the GPU, or that it need not. */
export type RuntimeBuild = 'jspi' | 'asyncify' | 'wasm'

/**
 * What people want of memory: left to the engine, everything kept loaded, or what looks at pictures put away between them;
 * or they say that there is plenty, whatever the browser tells: then conversations may be as long as the model allows
 * where the graphics device gives what that takes, too.
 */
export type MemoryChoice = 'auto' | 'keep' | 'spare' | 'plenty'

/** Why WebGPU was not opened. */
export type UnopenedReason =
  | { why: 'chosen' | 'no-webgpu' | 'no-adapter' }
  /** `detail` is the browser's own sentence. */
  | { why: 'not-started'; detail: string }

/** Why WebGPU is not used. */
export type ProcessorReason =
  | UnopenedReason
  /** Seconds of a caption on both, by a measured step, and what was measured beside the processor. */
  | {
      why: 'faster'
      processorSeconds: number
      gpuSeconds: number
      adapter: string
      software: boolean
    }

export interface MemoryReport {
  /** Vision encoder and Q-Former stay loaded between pictures. */
  keepsAll: boolean
  why: MemoryReason
}

/**
 * People chose it, or said that there is plenty; a WebAssembly heap gives nothing back; or it follows from whether the
 * weights are more than a third of so many GiB, which the browser told or which are assumed.
 */
export type MemoryReason =
  | { kind: 'chosen' | 'plenty' | 'wasm' }
  | { kind: 'share'; gib: number; told: boolean }

/** Why a context is as long as it is: the model's maximum, or what memory or one GPU buffer allows. */
export type ContextReason = 'model' | 'memory' | 'assumed-memory' | 'buffer' | 'wasm'

/** How long a conversation may be on this device, in positions. */
export interface ContextReport {
  /** Picture, prompt and answer together. */
  positions: number
  /** What the model could have. */
  possible: number
  why: ContextReason
}

export interface DeviceReport {
  provider: Provider
  /** Adapter vendor, architecture or description as the browser tells it; empty for WebAssembly. */
  adapter: string
  f16: boolean
  /** The adapter is a software rasteriser: right, but slow. */
  software: boolean
  /** Why WebGPU is not used; null when it is. */
  reason: ProcessorReason | null
  /** Steps of one token are recorded once and replayed. Null as long as the first of them has not shown whether that works. */
  recordsSteps: boolean | null
  /** Of the language model. */
  ownKernels: OwnKernels
  /** Null where not both were measured. */
  kernelTimes: KernelTimes | null
  /** Of the vision encoder. */
  visionKernels: OwnKernels
  /** Null where not both were measured. */
  visionTimes: KernelTimes | null
  /** Null for WebAssembly. */
  subgroups: Subgroups | null
  context: ContextReport
  /** Bytes; null for WebAssembly. */
  limits: { buffer: number; storageBinding: number; workgroupStorage: number } | null
  build: RuntimeBuild
  memory: MemoryReport
}
