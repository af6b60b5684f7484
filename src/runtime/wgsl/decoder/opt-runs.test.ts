import { expect, it, vi } from 'vitest'
import { AppError } from '../../../pack/failure.ts'
import type { DecoderRun } from '../../language/decoder-parts.ts'
import type { KvCache } from '../../language/kv-cache.ts'
import { OptRuns, type OptRunsParts } from './opt-runs.ts'

it.each<[GPUDeviceLostReason, number]>([
  ['unknown', 1],
  ['destroyed', 0],
])(
  'tells of a device that went away by itself in a run, not of one let go of on purpose (%s)',
  async (reason, told) => {
    const lost = new AppError('device-lost', 'Gone.')
    vi.stubGlobal('GPUBufferUsage', { MAP_READ: 1, COPY_DST: 8 })
    vi.stubGlobal('GPUDevice', { prototype: { createBuffer: () => ({}) } })
    const onLost = vi.fn<() => void>()
    const parts: Partial<Record<keyof OptRunsParts, unknown>> = {
      runtime: { attempt: () => Promise.reject(lost) },
      device: { lost: Promise.resolve({ reason }) },
      activations: { logits: { size: 4 } },
      shape: { queries: 2 },
      onLost,
    }
    const runs = new OptRuns(parts as unknown as OptRunsParts)
    await expect(runs.choose({} as KvCache, {} as DecoderRun)).rejects.toBe(lost)
    expect(onLost).toHaveBeenCalledTimes(told)
  },
)
