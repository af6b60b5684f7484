import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AppError } from '../../../pack/failure.ts'
import type { DecoderRun } from '../../language/decoder-parts.ts'
import type { KvCache } from '../../language/kv-cache.ts'
import { OptRuns, type OptRunsParts } from './opt-runs.ts'

afterEach(() => vi.unstubAllGlobals())

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

/** A device whose choices come back when they are told to, with the numbers of their tokens. */
function slowDevice(): { runs: OptRuns; submits: string[][]; states: () => number; comeBack: () => void } {
  const submits: string[][] = []
  const waiting: (() => void)[] = []
  let token = 0
  let states = 0
  const createBuffer = (): object => {
    let words = new Uint32Array(4)
    return {
      mapAsync: () =>
        new Promise<void>((resolve) => {
          waiting.push(() => {
            words = Uint32Array.of((token += 1), 0, 0, 0)
            resolve()
          })
        }),
      getMappedRange: () => words.buffer,
      unmap: () => undefined,
    }
  }
  vi.stubGlobal('GPUDevice', { prototype: { createBuffer } })
  let pass: string[] = []
  const encoder = {
    beginComputePass: () => ({
      setPipeline: (name: string) => pass.push(name),
      setBindGroup: () => undefined,
      dispatchWorkgroups: () => undefined,
      end: () => undefined,
    }),
    copyBufferToBuffer: () => undefined,
    finish: () => pass,
  }
  const named = (pipeline: string): object[] => [{ kernel: { pipeline }, group: {}, workgroups: [1, 1, 1] }]
  const parts: Partial<Record<keyof OptRunsParts, unknown>> = {
    runtime: { attempt: (work: () => Promise<unknown>) => work() },
    device: {
      queue: {
        writeBuffer: () => (states += 1),
        submit: ([one]: [string[]]) => {
          submits.push(one)
          pass = []
        },
      },
      createCommandEncoder: () => encoder,
    },
    activations: { rows: 8, state: {}, logits: { size: 4 }, choices: { size: 16 } },
    passes: { step: () => named('step') },
    shape: { queries: 2 },
  }
  const comeBack = (): void => waiting.shift()?.()
  return { runs: new OptRuns(parts as unknown as OptRunsParts), submits, states: () => states, comeBack }
}

/** Until nothing moves but what is waited for from the device. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

it('has three tokens under way before the first comes back, each in one submit, and sends nothing behind the end', async () => {
  const { runs, submits, states, comeBack } = slowDevice()
  const steps = runs.greedy(cache, run, 5)
  for (const underWay of [3, 4, 5, 5, 5]) {
    const next = steps.next()
    await settled()
    expect(submits).toHaveLength(underWay)
    comeBack()
    expect((await next).value).toMatchObject({ logProbability: 0 })
  }
  expect((await steps.next()).done).toBe(true)
  expect(submits).toEqual(Array(5).fill(['step']))
  // The host says where the first is; of each other the one before does.
  expect(states()).toBe(1)
})

it('is over, when an answer ends early, only once all that ran ahead has come back', async () => {
  const { runs, submits, comeBack } = slowDevice()
  const steps = runs.greedy(cache, run, 9)
  const first = steps.next()
  await settled()
  comeBack()
  expect((await first).value).toMatchObject({ token: 1 })
  let over = false
  const ended = steps.return(undefined).then(() => (over = true))
  for (const isOver of [false, false, true]) {
    await settled()
    expect(over).toBe(isOver)
    comeBack()
  }
  await ended
  expect(submits).toHaveLength(3)
})
