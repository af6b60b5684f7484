import { afterAll, beforeAll, expect, it } from 'vitest'
import { worstError } from '../../../testing/parity/reference.ts'
import { openPackFolder } from '../../cli/files.ts'
import type { Pixels } from '../../image/pixels.ts'
import { bytesOfFile } from '../../pack/bytes.ts'
import type { PackReader } from '../../pack/manifest.ts'
import { vision } from '../../pack/parts.ts'
import { openCompute } from '../device/open-compute.ts'
import { liveTensorCount, type DeviceTensor } from '../ort/tensor.ts'
import { weightsOfGraph } from '../wgsl/weights/graph-weights.ts'
import { openRetrievalModel, openTalkingModel } from './models.ts'
import { Tower, towerOf } from './tower.ts'

const PROCESSOR = { provider: 'wasm', f16: false } as const
const TEXTS = ['a red heart', 'two cats beside a tree']

let talks: PackReader
let compares: PackReader
beforeAll(async () => {
  talks = await openPackFolder('public/models/drawn-scenes')
  compares = await openPackFolder('public/models/drawn-scenes-retrieval')
})
afterAll(() => expect(liveTensorCount()).toBe(0))

/** Every value between −1 and 1 and none like its neighbour. */
function stripes({ manifest }: PackReader): Pixels {
  const size = manifest.parts.vision.shape.imageSize
  return {
    data: Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i * 0.7)),
    size,
    brand: 'pixels',
  }
}

/** The same pack with values of its vision encoder changed, from `offset` on. */
function changed(pack: PackReader, change: (weights: Uint8Array<ArrayBuffer>) => void): PackReader {
  const { weights } = pack.manifest.parts.vision
  return {
    ...pack,
    file: async (path, signal) => {
      const file = await pack.file(path, signal)
      if (path !== weights) return file
      const bytes = (await bytesOfFile(file)).slice()
      change(bytes)
      return bytes
    },
  }
}

async function lastNorm(pack: PackReader): Promise<{ gain: number; bias: number }> {
  const { graphs, weights } = pack.manifest.parts.vision
  const stored = weightsOfGraph(await bytesOfFile(await pack.file(graphs.wasm ?? '')), weights)
  const { gain, bias } = vision.lastNorm
  return { gain: stored.get(gain)?.offset ?? NaN, bias: stored.get(bias)?.offset ?? NaN }
}

it('one look at a picture serves both built-in models: what the one saw is to the other as its own look', async () => {
  const compute = await openCompute('wasm')
  const [one, other] = [await openTalkingModel(talks, compute), await openRetrievalModel(compares, compute)]
  let features: DeviceTensor | undefined
  const seen = await one.look.see(stripes(talks), { onFeatures: (given) => (features = given) })
  const tower = await one.tower()
  const states = tower?.statesOf((await features?.read()) ?? new Float32Array())
  if (states === undefined) throw new Error('The built-in model has no tower.')
  const [elsewhere, own] = [await other.encodedElsewhere(states), await other.encode(stripes(compares))]
  if (elsewhere === null) throw new Error('The built-in models have no tower in common.')
  const [theirs, ours] = [await other.visionFeatures(elsewhere), await other.visionFeatures(own)]
  const talked = await features?.read()
  // Rounding is all that they differ in, and the last norm is not nothing.
  expect(worstError(theirs, ours)).toBeLessThan(2e-6)
  expect(worstError(talked ?? ours, ours)).toBeGreaterThan(0.01)
  const [matches, again] = [await other.match(elsewhere, TEXTS), await other.match(own, TEXTS)]
  for (const [i, { itc, itm }] of matches.entries()) {
    expect(Math.abs(itc - (again[i]?.itc ?? NaN))).toBeLessThan(1e-5)
    expect(Math.abs(itm - (again[i]?.itm ?? NaN))).toBeLessThan(1e-5)
  }
  expect(await other.encodedElsewhere({ ...states, tower: 'another' })).toBeNull()
  for (const tensor of [seen.embeddings, features, elsewhere.features, own.features]) tensor?.dispose()
  await one.dispose()
  await other.dispose()
})

it('a model that never looks itself opens no vision encoder', async () => {
  const files: string[] = []
  const file: PackReader['file'] = (path, signal) => (files.push(path), compares.file(path, signal))
  const pack = { ...compares, file }
  const model = await openRetrievalModel(pack, await openCompute('wasm'), { visionLater: true })
  const tower = await Tower.of(talks, PROCESSOR)
  const { tokens, hiddenSize } = talks.manifest.parts.vision.shape
  const states = tower?.statesOf(new Float32Array(tokens * hiddenSize).fill(0.5))
  const picture = states === undefined ? null : await model.encodedElsewhere(states)
  await expect(picture && model.match(picture, TEXTS)).resolves.toHaveLength(2)
  const graph = compares.manifest.parts.vision.graphs.wasm
  // Once, to find the norm in it; a session would have read it again.
  expect(files.filter((path) => path === graph)).toHaveLength(1)
  picture?.features.dispose()
  await model.dispose()
})

it('a tower is the same whatever its last norm, and another for any other weight, graph or pixels', async () => {
  const key = async (pack: PackReader): Promise<string | undefined> => (await Tower.of(pack, PROCESSOR))?.key
  const { gain, bias } = await lastNorm(talks)
  const tower = await key(talks)
  expect(await key(compares)).toBe(tower)
  expect(await key(changed(talks, (weights) => weights.fill(1, bias, bias + 4)))).toBe(tower)
  for (const at of [0, gain - 1])
    expect(await key(changed(talks, (weights) => weights.fill(0x55, at, at + 1)))).not.toBe(tower)
  const { manifest } = talks
  const brighter = { ...manifest, preprocessing: { ...manifest.preprocessing, rescaleFactor: 1 } }
  expect(await key({ ...talks, manifest: brighter })).not.toBe(tower)
  const files = manifest.files.map((one) =>
    one.path === manifest.parts.vision.graphs.wasm
      ? { ...one, chunks: one.chunks.map((chunk) => ({ ...chunk, sha256: 'f'.repeat(64) })) }
      : one,
  )
  expect(await key({ ...talks, manifest: { ...manifest, files } })).not.toBe(tower)
})

it('a tower that could not be read is read again when it is wanted again, and one that was is kept', async () => {
  let reads = 0
  const file: PackReader['file'] = (path, signal) => {
    reads += 1
    return reads === 1 ? Promise.reject(new Error('NotReadableError')) : talks.file(path, signal)
  }
  const tower = towerOf({ ...talks, file }, PROCESSOR)
  await expect(tower()).rejects.toThrow('NotReadableError')
  const read = await tower()
  expect(read).not.toBeNull()
  expect(await tower()).toBe(read)
})

it('there is none where the last norm could not be taken off without loss', async () => {
  const { gain } = await lastNorm(talks)
  const tiny = changed(talks, (weights) => new DataView(weights.buffer).setFloat32(gain, 1e-5, true))
  const none = changed(talks, (weights) => weights.fill(0, gain, gain + 4))
  expect(await Tower.of(tiny, PROCESSOR)).toBeNull()
  expect(await Tower.of(none, PROCESSOR)).toBeNull()
})
