import { afterAll, beforeAll, expect, it } from 'vitest'
import { startGpuProbe } from '../../../bench/gpu-probe.ts'
import type { Compute } from '../../device/compute.ts'
import { openCompute } from '../../device/open-compute.ts'
import { Runtime } from '../../ort/runtime.ts'
import { filesOfPart } from '../../../../testing/gpu/part-files.ts'
import { readFromServer } from '../../../../testing/parity/dev-server.ts'
import { convertReference, storedValues, worstError } from '../../../../testing/parity/reference.ts'
import { openOwnEncoder, planEncoder } from './open-encoder.ts'

/** The smallest: on a software adapter compiling is all that it costs. */
const CHECKPOINT = 't5-untied'
const probe = startGpuProbe()
let compute: Compute
const complaints: string[] = []
beforeAll(async () => {
  compute = await openCompute('webgpu')
  compute.device?.addEventListener('uncapturederror', ({ error }) => complaints.push(error.message))
})
afterAll(() => {
  probe.stop()
  compute.device?.destroy()
  expect(complaints).toEqual([])
})

it('sees what transformers sees, in one pass and one submit, and reads nothing back', async () => {
  const pack = await convertReference(readFromServer, CHECKPOINT, 'fp32')
  const { vision } = pack.manifest.parts
  const { shape } = vision
  if (compute.device === null) throw new Error('There is no GPU.')
  const files = await filesOfPart(pack, vision, compute)
  const plan = planEncoder(compute.device, files, shape)
  const encoder = await openOwnEncoder(await Runtime.open(compute), { ...files, shape }, plan)
  const values = await storedValues(readFromServer, `${CHECKPOINT}/reference.safetensors`)
  // The second behind the first: nothing of a picture is left for the next.
  for (const key of ['imageA', 'imageB']) {
    const before = { ...probe.counts }
    const features = await encoder.encode(await values(`${key}.pixel_values`))
    const since = (count: keyof typeof before): number => probe.counts[count] - before[count]
    expect([since('submits'), since('passes'), since('bytesRead')]).toEqual([1, 1, 0])
    expect(since('dispatches')).toBe(9 * shape.layers + 3)
    expect(worstError(await features.read(), await values(`${key}.image_features`))).toBeLessThan(2e-5)
    features.dispose()
  }
  await encoder.dispose()
})
