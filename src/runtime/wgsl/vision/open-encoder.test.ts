import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AppError } from '../../../pack/failure.ts'
import { openCompute } from '../../device/open-compute.ts'
import { Runtime } from '../../ort/runtime.ts'
import { OwnEncoder } from './open-encoder.ts'

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('GPUBufferUsage', { STORAGE: 1, COPY_SRC: 2, COPY_DST: 4 })
  const createBuffer = ({ size }: { size: number }): object => ({ size, destroy: () => undefined })
  vi.stubGlobal('GPUDevice', { prototype: { createBuffer } })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** An encoder over a device on which pictures are done, and which goes away, when it is told to. */
async function encoderOnDevice(): Promise<{
  encoder: OwnEncoder
  finish: () => void
  lose: (reason: GPUDeviceLostReason) => void
  onLost: ReturnType<typeof vi.fn<() => void>>
}> {
  const onLost = vi.fn<() => void>()
  let finish = (): void => undefined
  const done = new Promise<void>((resolve) => (finish = resolve))
  let lose: (reason: GPUDeviceLostReason) => void = () => undefined
  const lost = new Promise((resolve) => (lose = (reason) => resolve({ reason, message: '' })))
  const commands = {
    copyBufferToBuffer: () => undefined,
    beginComputePass: () => ({ end: () => undefined }),
    finish: () => ({}),
  }
  const device = {
    lost,
    queue: {
      writeBuffer: () => undefined,
      submit: () => undefined,
      onSubmittedWorkDone: () => done,
    },
    createCommandEncoder: () => commands,
  } as unknown as GPUDevice
  const parts: Partial<Record<keyof ConstructorParameters<typeof OwnEncoder>[0], unknown>> = {
    runtime: await Runtime.open({ ...(await openCompute('wasm')), device }),
    device,
    shape: { tokens: 2, hiddenSize: 2 },
    passes: { into: () => [] },
    weights: { base: { size: 16 } },
    values: {},
    onLost,
  }
  const encoder = new OwnEncoder(parts as unknown as ConstructorParameters<typeof OwnEncoder>[0])
  return { encoder, finish, lose, onLost }
}

it.each<[GPUDeviceLostReason, number]>([
  ['unknown', 1],
  ['destroyed', 0],
])(
  'tells of a device that goes away by itself under a picture that nobody waits for (%s)',
  async (reason, told) => {
    const { encoder, lose, onLost } = await encoderOnDevice()
    const features = await encoder.encode(new Float32Array(1))
    lose(reason)
    await vi.advanceTimersByTimeAsync(1000)
    expect(onLost).toHaveBeenCalledTimes(told)
    features.dispose()
  },
)

it('tells of a device that calls its work done and says only then that it is gone', async () => {
  const { encoder, finish, lose, onLost } = await encoderOnDevice()
  const features = await encoder.encode(new Float32Array(1))
  finish()
  await vi.advanceTimersByTimeAsync(1)
  lose('unknown')
  await vi.advanceTimersByTimeAsync(1000)
  expect(onLost).toHaveBeenCalledTimes(1)
  features.dispose()
})

it('does not tell of a device that goes away behind a picture, or was gone before it', async () => {
  const { encoder, finish, lose, onLost } = await encoderOnDevice()
  const features = await encoder.encode(new Float32Array(1))
  finish()
  await vi.advanceTimersByTimeAsync(1000)
  lose('unknown')
  await vi.advanceTimersByTimeAsync(1000)
  const refused = await encoder.encode(new Float32Array(1)).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(AppError)
  expect(onLost).not.toHaveBeenCalled()
  features.dispose()
})
