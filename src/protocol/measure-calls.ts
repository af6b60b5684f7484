/** Calls to the worker that measures the device: a worker of its own, so that nothing else is in its memory. */
import type { KernelChoice, Provider } from '../pack/device-report.ts'
import type { BenchResult } from './bench-result.ts'
import type { PackPlace } from './engine-calls.ts'

export interface MeasureRequest {
  pack: PackPlace
  prefer: Provider | null
  /** Where kernels of our own are used; left out: `never`. */
  kernels?: KernelChoice | undefined
  /** Tokens decoded for each figure. */
  tokens: number
  /** Tokens of the prompt; the image's queries come on top. */
  promptTokens: number
  /** Whether everything is run once while loading; left out: where the engine would. */
  warmUp?: boolean | undefined
  /** Measures the time inside kernels as well, where the device can. */
  timestamps?: boolean | undefined
}

/** Told before each stage. */
export interface Measuring {
  stage: string
  /** What is known already: whoever ends measuring early has that. */
  soFar: Partial<BenchResult>
}

export interface MeasureCalls {
  measure: { in: MeasureRequest; event: Measuring; out: BenchResult }
}
