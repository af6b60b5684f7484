import { afterAll, beforeAll, expect, it } from 'vitest'
import { openHttpPack } from '../store/http-pack.ts'
import { Blip2 } from './blip2.ts'
import { openCompute, type Compute } from './gpu.ts'
import { liveTensorCount } from './session.ts'
import type { Pixels } from '../image/pixels.ts'

/** What the GPU is asked to do: counted at the WebGPU interface, whoever calls it. */
const counts = { dispatches: 0, bytesRead: 0, buffers: 0 }
const restore: (() => void)[] = []

function count<T extends object>(
  prototype: T,
  name: keyof T,
  note: (subject: T, args: unknown[]) => void,
): void {
  const original = prototype[name]
  if (typeof original !== 'function') throw new Error(`${String(name)} is no method`)
  const counted = function (this: T, ...args: unknown[]): unknown {
    note(this, args)
    return Reflect.apply(original, this, args)
  }
  Object.defineProperty(prototype, name, { value: counted, configurable: true, writable: true })
  restore.push(() =>
    Object.defineProperty(prototype, name, { value: original, configurable: true, writable: true }),
  )
}

let compute: Compute
let model: Blip2

beforeAll(async () => {
  count(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', () => (counts.dispatches += 1))
  count(GPUBuffer.prototype, 'mapAsync', (buffer, [mode]) => {
    if (mode === GPUMapMode.READ) counts.bytesRead += buffer.size
  })
  count(GPUDevice.prototype, 'createBuffer', () => (counts.buffers += 1))
  compute = await openCompute('webgpu')
  model = await Blip2.load(await openHttpPack(new URL('/models/drawn-scenes/', location.href).href), compute)
})

afterAll(async () => {
  await model.dispose()
  compute.device?.destroy()
  for (const undo of restore) undo()
})

function grey(): Pixels {
  const size = model.manifest.shape.vision.imageSize
  return { data: new Float32Array(3 * size * size), size, brand: 'pixels' }
}

/** Counts per token of one answer. */
async function perToken(
  maxNewTokens: number,
): Promise<{ token: number; dispatches: number; bytesRead: number }[]> {
  const seen = await model.see(grey())
  const steps = []
  let before = { ...counts }
  for await (const { tokenIds } of model.answer(seen, { prompt: '', maxNewTokens })) {
    steps.push({
      token: tokenIds.length,
      dispatches: counts.dispatches - before.dispatches,
      bytesRead: counts.bytesRead - before.bytesRead,
    })
    before = { ...counts }
  }
  return steps
}

it('reads nothing back between the vision encoder, Q-Former and decoder', async () => {
  const before = counts.bytesRead
  const { embeddings } = await model.see(grey())
  expect(counts.bytesRead).toBe(before)
  embeddings.dispose()
})

it('asks for the same work for every token and reads back one row of logits', async () => {
  const [, ...steps] = await perToken(6)
  expect(steps.length).toBeGreaterThan(1)
  const rowBytes = 4 * model.manifest.shape.text.vocabulary
  for (const { bytesRead } of steps) {
    expect(bytesRead).toBeGreaterThanOrEqual(rowBytes)
    // ONNX Runtime rounds read-back buffers up to its size classes.
    expect(bytesRead).toBeLessThan(2 * rowBytes + 1024)
  }
  expect(new Set(steps.map(({ dispatches }) => dispatches)).size).toBe(1)
  console.warn('per token', steps[0], 'row', rowBytes)
})

it('keeps no tensor after an answer, and makes no more buffers for the tenth than for the second', async () => {
  await perToken(3)
  const made = async (): Promise<number> => {
    const before = counts.buffers
    await perToken(3)
    return counts.buffers - before
  }
  const second = await made()
  for (let i = 0; i < 7; i += 1) await perToken(3)
  expect(await made()).toBeLessThanOrEqual(second)
  expect(liveTensorCount()).toBe(0)
})
