/** What there is to compute on, once it is open: see `open-compute`. */
import type { ProcessorReason, Provider, Subgroups, UnopenedReason } from '../../pack/device-report.ts'

export interface Compute {
  provider: Provider
  /** Null for WebAssembly. */
  device: GPUDevice | null
  /** What the adapter calls itself; empty for WebAssembly. */
  adapter: string
  f16: boolean
  /** The adapter is a software rasteriser: right, but slow. */
  software: boolean
  /** Null for WebAssembly. */
  subgroups: Subgroups | null
  /** Why WebGPU is not used; null when it is. */
  reason: ProcessorReason | null
}

/** As it was opened, before anybody measured anything on it. */
export interface OpenedCompute extends Compute {
  reason: UnopenedReason | null
}
