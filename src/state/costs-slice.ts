/** What a known model would cost here, worked out before anybody asks for it and before any other server hears of it. */
import { budgetFor } from '../pack/memory-budget.ts'
import { memoryOf } from '../pack/device-memory.ts'
import type { Precision } from '../pack/precisions.ts'
import type { ProbedDevice } from '../protocol/engine-calls.ts'
import type { KeeperCalls, Space } from '../protocol/keeper-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import type { KnownCosts } from './catalogue.ts'
import { durationRange, type ProbeDevices } from './offers.ts'
import { fastestFor, LONG_SECONDS, SHORT_SECONDS } from './prediction.ts'
import type { GetState, SetState } from './store.ts'

/** 100 Mbit/s, as many lines have. The line itself is measured when an offer is asked for: it takes a request to the server. */
const USUAL_LINE_BYTES_PER_SECOND = 12.5e6

/** What was measured of this device, without the network. */
export interface Here {
  devices: readonly ProbedDevice[]
  convertBytesPerSecond: number | null
}

export interface CostsSlice {
  here: Here | null
  /** Measures this device, once in a visit: about half a second of it. `precision` is what would be converted to. */
  measureHere: (precision: Precision) => Promise<void>
}

/** From the worst on: what speaks against a model, or for it. */
export type Advice = 'no-memory' | 'no-space' | 'too-slow' | 'slow' | 'advised'

export interface ExpectedCosts {
  /** Seconds until it is here over a usual line, at the least and at the most. */
  duration: [least: number, most: number] | null
  /** Seconds of a caption; null where no device could be measured, and then nothing is advised. */
  seconds: number | null
  advice: Advice | null
}

export function costsSlice(
  set: SetState,
  get: GetState,
  client: Client<KeeperCalls>,
  probeDevices: ProbeDevices,
): CostsSlice {
  let isMeasuring = false
  return {
    here: null,
    async measureHere(precision) {
      if (isMeasuring) return
      isMeasuring = true
      // One that fails leaves its part unsaid.
      const [devices, convertBytesPerSecond] = await Promise.all([
        probeDevices(get().settings.prefer).catch(() => []),
        client.call('convertingSpeed', { precision }).catch(() => null),
      ])
      set({ here: { devices, convertBytesPerSecond } })
    },
  }
}

export function expectedCosts(
  { fetchBytes, keepBytes, work }: KnownCosts,
  { devices, convertBytesPerSecond }: Here,
  space: Space | null,
): ExpectedCosts {
  const duration = durationRange({
    fetchBytes,
    most: { fetchBytes, keepBytes },
    bytesPerSecond: USUAL_LINE_BYTES_PER_SECOND,
    convertBytesPerSecond,
  })
  const fastest = work && fastestFor(work, devices)
  if (fastest === null || !Number.isFinite(fastest.seconds)) return { duration, seconds: null, advice: null }
  const { device, seconds } = fastest
  return { duration, seconds, advice: adviceFor(device, seconds, keepBytes, space?.freeBytes ?? null) }
}

function adviceFor(
  { provider, software }: ProbedDevice,
  seconds: number,
  keepBytes: number,
  freeBytes: number | null,
): Advice {
  const unlimited = { maxBufferSize: Infinity, maxStorageBufferBindingSize: Infinity }
  const memory = memoryOf(provider === 'webgpu' ? { limits: unlimited } : null, { software })
  // Without caches and values on their way, which are little beside the weights; the offer counts them.
  const needs = { weightBytes: keepBytes, workBytes: 0, cache: null }
  if (!budgetFor(needs, memory, 'auto').fits) return 'no-memory'
  if (freeBytes !== null && freeBytes < keepBytes) return 'no-space'
  if (seconds >= LONG_SECONDS) return 'too-slow'
  return seconds >= SHORT_SECONDS ? 'slow' : 'advised'
}
