import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGpuProbe } from '../../bench/gpu-probe.ts'
import type { Pixels } from '../../image/pixels.ts'
import type { Provider } from '../../pack/device-report.ts'
import { weightBytes, type PackReader } from '../../pack/manifest.ts'
import { openTalkingModel } from '../models/models.ts'
import type { TalkingModel } from '../models/model.ts'
import type { LookPart, SeeOptions } from '../models/look.ts'
import type { Compute } from '../device/compute.ts'
import { openCompute } from '../device/open-compute.ts'
import { liveTensorCount } from './tensor.ts'
import { sharedDevice } from '../../../testing/gpu/shared-device.ts'
import { smallPack } from '../../../testing/small-model.ts'

const probe = startGpuProbe()
const { counts } = probe

let whole: PackReader
/** All tests but the last, which loses a device of its own. */
const computes = new Map<Provider, Compute>()
beforeAll(async () => {
  whole = await smallPack()
  computes.set('webgpu', await sharedDevice()).set('wasm', await openCompute('wasm'))
})

afterAll(() => {
  expect(liveTensorCount()).toBe(0)
  probe.stop()
})

interface Loaded {
  model: TalkingModel
  compute: Compute
  pack: PackReader
  /** Set to have the pack refuse its files. */
  fault: { error: Error | null }
}

async function load(
  compute: Compute | undefined,
  options: Parameters<typeof openTalkingModel>[2],
): Promise<Loaded> {
  if (compute === undefined) throw new Error('This device was not opened.')
  const fault: Loaded['fault'] = { error: null }
  const pack: PackReader = {
    manifest: whole.manifest,
    file: (path, signal) => (fault.error === null ? whole.file(path, signal) : Promise.reject(fault.error)),
  }
  return { model: await openTalkingModel(pack, compute, options), compute, pack, fault }
}

/** A picture of stripes; another for another seed. */
function stripes({ manifest }: TalkingModel, seed: number): Pixels {
  const size = manifest.parts.vision.shape.imageSize
  const data = Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i / (7 + seed)))
  return { data, size, brand: 'pixels' }
}

async function embeddingsOf(model: TalkingModel, seed: number, options?: SeeOptions): Promise<Float32Array> {
  const { embeddings } = await model.look.see(stripes(model, seed), options)
  try {
    return await embeddings.read()
  } finally {
    embeddings.dispose()
  }
}

describe.each(['webgpu', 'wasm'] as const)('sessions that come and go on %s', (provider) => {
  it('see the same, picture for picture, as sessions that stay', async () => {
    const loaded = await load(computes.get(provider), {})
    const { model } = loaded
    const before = [await embeddingsOf(model, 1), await embeddingsOf(model, 2)]
    await model.look.keepLoaded(false)
    expect(model.look.open).toEqual({ vision: false, 'q-former': false })
    const opened: LookPart[] = []
    const onOpening = (graph: LookPart): void => void opened.push(graph)
    const after = [
      await embeddingsOf(model, 1, { onOpening }),
      await embeddingsOf(model, 2, { onOpening }),
      await embeddingsOf(model, 1, { onOpening }),
    ]
    expect(after).toEqual([before[0], before[1], before[0]])
    expect(opened).toEqual(['vision', 'q-former', 'vision', 'q-former', 'vision', 'q-former'])
    // What was seen before a release is still there to be answered about.
    const seen = await model.look.see(stripes(model, 1))
    await model.look.keepLoaded(true)
    await embeddingsOf(model, 2)
    expect(model.look.open).toEqual({ vision: true, 'q-former': true })
    await model.look.keepLoaded(false)
    expect(await seen.embeddings.read()).toEqual(before[0])
    const steps = model.talk.answer(seen, { prompt: '', maxNewTokens: 3 })
    for await (const { tokenIds } of steps) expect(tokenIds.length).toBeGreaterThan(0)
    await model.dispose()
    expect(liveTensorCount()).toBe(0)
  })

  it('lose nothing when opening fails or is stopped', async () => {
    const loaded = await load(computes.get(provider), { memory: 'spare' })
    const { model, fault } = loaded
    expect(model.look.open).toEqual({ vision: true, 'q-former': true })
    const first = await embeddingsOf(model, 1)
    expect(model.look.open).toEqual({ vision: false, 'q-former': false })
    fault.error = new Error('gone')
    await expect(embeddingsOf(model, 1)).rejects.toThrow('gone')
    fault.error = null
    const stop = new AbortController()
    const stopped = embeddingsOf(model, 1, { signal: stop.signal, onOpening: () => stop.abort() })
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' })
    const later = new AbortController()
    const onOpening = (graph: LookPart): void => {
      if (graph === 'q-former') later.abort()
    }
    await expect(embeddingsOf(model, 1, { signal: later.signal, onOpening })).rejects.toMatchObject({
      code: 'cancelled',
    })
    expect(model.look.open).toEqual({ vision: false, 'q-former': false })
    expect(await embeddingsOf(model, 1)).toEqual(first)
    await model.dispose()
    expect(liveTensorCount()).toBe(0)
  })
})

it('give their GPU memory back at once, and take no more when they come again', async () => {
  const loaded = await load(computes.get('webgpu'), {})
  const { model, pack } = loaded
  const complaints: string[] = []
  loaded.compute.device?.addEventListener('uncapturederror', ({ error }) => complaints.push(error.message))
  const first = await embeddingsOf(model, 1)
  const withAll = counts.liveBytes
  await model.look.keepLoaded(false)
  const weights = (['vision', 'q-former'] as const)
    .map((graph) => weightBytes(pack.manifest, graph))
    .reduce((sum, bytes) => sum + bytes, 0)
  expect(withAll - counts.liveBytes).toBeGreaterThanOrEqual(weights)
  const without = counts.liveBytes
  for (let i = 0; i < 3; i += 1) {
    expect(await embeddingsOf(model, 1)).toEqual(first)
    // Intermediate values may have found room in ONNX Runtime's pools meanwhile, weights not.
    expect(counts.liveBytes - without).toBeLessThan(weights / 4)
  }
  await model.dispose()
  expect(complaints).toEqual([])
})

it('fail with the loss of the device when it goes away while they are opened', async () => {
  const { model, compute } = await load(await openCompute('webgpu'), {})
  await model.look.keepLoaded(false)
  await expect(embeddingsOf(model, 1, { onOpening: () => compute.device?.destroy() })).rejects.toMatchObject({
    code: 'device-lost',
  })
  await model.dispose()
  expect(liveTensorCount()).toBe(0)
})
