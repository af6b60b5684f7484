import { beforeEach, expect, it, vi } from 'vitest'
import { AppError } from '../../../pack/failure.ts'
import type { DecoderRun } from '../../language/decoder-parts.ts'
import type { KvCache } from '../../language/kv-cache.ts'
import { OptRuns, type OptRunsParts } from './opt-runs.ts'

const lost = new AppError('device-lost', 'Gone.')

/** Runs over a device whose runtime attempts work like this. */
function runsOver(
  attempt: (work: () => Promise<unknown>) => Promise<unknown>,
  reason: GPUDeviceLostReason,
): { runs: OptRuns; onLost: ReturnType<typeof vi.fn<() => void>> } {
  const onLost = vi.fn<() => void>()
  const pass = { end: () => undefined }
  const encoder = {
    beginComputePass: () => pass,
    copyBufferToBuffer: () => undefined,
    finish: () => ({}),
  }
  const parts: Partial<Record<keyof OptRunsParts, unknown>> = {
    runtime: { attempt },
    device: {
      lost: Promise.resolve({ reason }),
      queue: { writeBuffer: () => undefined, submit: () => undefined },
      createCommandEncoder: () => encoder,
    },
    activations: { rows: 8, state: {}, logits: { size: 4 }, choices: { size: 16 } },
    passes: { step: () => [], ending: [] },
    shape: { queries: 2 },
    onLost,
  }
  return { runs: new OptRuns(parts as unknown as OptRunsParts), onLost }
}

const cache = { capacity: 8, past: () => ({}) } as unknown as KvCache
/** A token behind four positions. */
const run = { batch: 1, rows: [2], tokens: [5], past: [4], logitRows: [0] } as unknown as DecoderRun

beforeEach(() => {
  vi.stubGlobal('GPUBufferUsage', { MAP_READ: 1, COPY_DST: 8 })
  vi.stubGlobal('GPUMapMode', { READ: 1 })
  // Nothing comes back from a device that is gone.
  const createBuffer = (): object => ({ mapAsync: () => Promise.reject(lost) })
  vi.stubGlobal('GPUDevice', { prototype: { createBuffer } })
})

it.each<[GPUDeviceLostReason, number]>([
  ['unknown', 1],
  ['destroyed', 0],
])(
  'tells of a device that went away by itself in a run, not of one let go of on purpose (%s)',
  async (reason, told) => {
    const { runs, onLost } = runsOver((work) => work(), reason)
    await expect(runs.choose(cache, run)).rejects.toBe(lost)
    expect(onLost).toHaveBeenCalledTimes(told)
  },
)

it('does not tell of a device that was gone before a run of ours began', async () => {
  const { runs, onLost } = runsOver(() => Promise.reject(lost), 'unknown')
  await expect(runs.choose(cache, run)).rejects.toBe(lost)
  expect(onLost).not.toHaveBeenCalled()
})

it('tells of a device that went away under tokens that were sent ahead', async () => {
  let attempts = 0
  const { runs, onLost } = runsOver((work) => {
    attempts += 1
    return attempts === 1 ? work() : Promise.reject(lost)
  }, 'unknown')
  await expect(runs.greedy(cache, run, 3).next()).rejects.toBe(lost)
  expect([attempts, onLost.mock.calls.length]).toEqual([2, 1])
})
