/**
 * Whether vision encoder and Q-Former stay loaded between pictures, or are released once a picture has been looked at
 * and opened again for the next. The decoder always stays.
 */
import type { MemoryChoice, MemoryReport, Provider } from '../../pack/device-report.ts'

export interface MemoryFacts {
  /** What people chose. */
  choice: MemoryChoice
  /** All weights of the pack, as stored. */
  weightBytes: number
  /** `navigator.deviceMemory`: GiB, rounded, and capped by browsers; undefined where the browser does not tell. */
  deviceMemory: number | undefined
  provider: Provider
  /** The adapter is a software rasteriser, whose memory is the system's. */
  software: boolean
}

const GIB = 2 ** 30

/** Of a browser that does not tell: what a telephone of today has. */
const ASSUMED_GIB = 4

/** Of the device's memory; the rest is for the system, other programs, caches and activations. */
const SHARE_FOR_WEIGHTS = 1 / 3

export function decideMemory({
  choice,
  weightBytes,
  deviceMemory,
  provider,
  software,
}: MemoryFacts): MemoryReport {
  if (choice === 'keep') return { keepsAll: true, why: 'You chose to keep everything loaded.' }
  if (choice === 'spare') return { keepsAll: false, why: 'You chose to spare memory.' }
  // A WebAssembly heap does not shrink, so what is released there goes to nobody else.
  if (provider === 'wasm')
    return { keepsAll: true, why: 'WebAssembly gives no memory back, so nothing is gained by releasing.' }
  const fits = weightBytes <= (deviceMemory ?? ASSUMED_GIB) * GIB * SHARE_FOR_WEIGHTS
  const what = software ? 'memory, which the software renderer shares' : 'memory'
  const whose =
    deviceMemory === undefined
      ? `the ${ASSUMED_GIB} GiB of ${what} assumed where a browser does not tell`
      : `the ${deviceMemory} GiB of ${what} that the browser tells of`
  return {
    keepsAll: fits,
    why: `The model needs ${fits ? 'no more' : 'more'} than a third of ${whose}.`,
  }
}
