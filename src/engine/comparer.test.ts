import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openPackFolder } from '../cli/files.ts'
import { rowsOf } from '../image/pixels.ts'
import { pictureOf } from '../image/read-picture.ts'
import { AppError } from '../pack/failure.ts'
import type { PackReader } from '../pack/manifest.ts'
import type { ComparingChoice } from '../protocol/compare-calls.ts'
import type { PictureSource } from '../protocol/engine-calls.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { openTalkingModel } from '../runtime/models/models.ts'
import { liveTensorCount, type DeviceTensor } from '../runtime/ort/tensor.ts'
import { OpenedComparer } from './opened-comparer.ts'
import { Comparer, type ComparerParts } from './comparer.ts'

const PACKS: Record<string, string> = {
  compares: 'public/models/drawn-scenes-retrieval',
  talks: 'public/models/drawn-scenes',
}
const never = new AbortController().signal
const unheard = (): void => undefined

/** A grey picture, whose file is one byte: its shade. */
const picture = (shade: number): PictureSource => ({
  id: `picture ${shade}`,
  image: new Blob([Uint8Array.of(shade)]),
})

const readPicture = vi.fn<ComparerParts['readPicture']>(async (image, preprocessing) => {
  const [shade = 0] = new Uint8Array(await image.arrayBuffer())
  return pictureOf(rowsOf(8, 4, new Uint8Array(8 * 4 * 3).fill(shade)), preprocessing)
})
const openPack = vi.fn<ComparerParts['openPack']>((place): Promise<PackReader> =>
  openPackFolder(PACKS[place.kind === 'kept' ? place.id : ''] ?? ''),
)
const compute = vi.fn<ComparerParts['openCompute']>(() => openCompute('wasm'))

const choice = (id = 'compares', besideBytes = 0): ComparingChoice => ({
  pack: { kind: 'kept', id },
  prefer: 'wasm',
  besideBytes,
})

let comparer: Comparer
beforeEach(async () => {
  vi.clearAllMocks()
  comparer = new Comparer({ openPack, openCompute: compute, readPicture, lingerMs: 20 })
  await comparer.choose(choice(), unheard, never)
})
afterEach(async () => {
  await comparer.release(null, unheard, never)
  expect(liveTensorCount()).toBe(0)
})

it('is opened by the first call that needs it, and looks once at a picture for all calls', async () => {
  expect(compute).not.toHaveBeenCalled()
  const texts = ['a red heart', 'a cat']
  const told: string[] = []
  const [heart, cat] = await comparer.match(
    { picture: picture(7), texts },
    ({ stage }) => told.push(stage),
    never,
  )
  expect(told).toEqual(['opening', 'opening', 'looking'])
  const { vectors } = await comparer.imageFeatures({ picture: picture(7) }, unheard, never)
  const read = await comparer.textFeatures({ texts }, unheard, never)
  const pairs = await comparer.multimodalFeatures({ picture: picture(7), texts }, unheard, never)
  const maps = await comparer.attend({ picture: picture(7), text: 'a cat' }, unheard, never)
  const { labels } = await comparer.classify(
    { picture: picture(7), labels: ['cat', 'dog'], template: 'a {}' },
    unheard,
    never,
  )
  expect(heart?.itm).toBeGreaterThanOrEqual(0)
  expect(pairs.map(({ logits }) => logits)).toEqual([heart?.logits, cat?.logits])
  expect(vectors).toHaveLength(32 * 64)
  expect(read[1]?.vector).toHaveLength(64)
  expect(maps.byHead).toHaveLength(maps.layers * maps.heads * maps.queries * maps.tokens)
  expect(labels.map(({ text }) => text)).toEqual(['a cat', 'a dog'])
  expect(labels[0]?.itc).toBeCloseTo(cat?.itc ?? NaN, 5)
  expect(readPicture).toHaveBeenCalledOnce()
  expect(compute).toHaveBeenCalledOnce()
})

it('does not look at a picture that was looked at on the same tower, and does on another', async () => {
  const texts = ['a red heart', 'a cat']
  const own = await comparer.match({ picture: picture(7), texts }, unheard, never)
  const talks = await openTalkingModel(await openPackFolder(PACKS['talks'] ?? ''), await openCompute('wasm'))
  const { pixels } = await readPicture(picture(7).image, talks.manifest.preprocessing)
  let features: DeviceTensor | undefined
  const seen = await talks.look.see(pixels, { onFeatures: (given) => (features = given) })
  const states = (await talks.tower())?.statesOf((await features?.read()) ?? new Float32Array())
  for (const tensor of [seen.embeddings, features]) tensor?.dispose()
  await talks.dispose()
  if (states === undefined) throw new Error('The built-in model has no tower.')
  await comparer.release(null, unheard, never)
  readPicture.mockClear()
  const given = await comparer.match({ picture: { ...picture(7), states }, texts }, unheard, never)
  expect(readPicture).not.toHaveBeenCalled()
  for (const [i, { itm }] of given.entries()) expect(itm).toBeCloseTo(own[i]?.itm ?? NaN, 4)
  const strange = { tower: 'another', values: states.values }
  await comparer.match({ picture: { ...picture(8), states: strange }, texts }, unheard, never)
  expect(readPicture).toHaveBeenCalledOnce()
})

it('keeps what it saw of the last few pictures only', async () => {
  for (const shade of [1, 2, 3, 3, 1])
    await comparer.imageFeatures({ picture: picture(shade) }, unheard, never)
  expect(readPicture).toHaveBeenCalledTimes(4)
})

it('goes when it has nothing to do and does not fit beside what talks, and is opened again', async () => {
  await comparer.choose(choice('compares', 2 ** 40), unheard, never)
  expect(await comparer.open(null, unheard, never)).toMatchObject({ provider: 'wasm', staysOpen: false })
  await comparer.imageFeatures({ picture: picture(1) }, unheard, never)
  expect(liveTensorCount()).toBeGreaterThan(0)
  await vi.waitFor(() => expect(liveTensorCount()).toBe(0))
  await comparer.imageFeatures({ picture: picture(1) }, unheard, never)
  expect(compute).toHaveBeenCalledTimes(2)
})

it('is read once, whatever it is to stand beside, and goes where it no longer fits', async () => {
  await comparer.imageFeatures({ picture: picture(1) }, unheard, never)
  await comparer.choose(choice('compares', 2 ** 40), unheard, never)
  await vi.waitFor(() => expect(liveTensorCount()).toBe(0))
  await comparer.choose(choice('compares', 0), unheard, never)
  expect(await comparer.open(null, unheard, never)).toMatchObject({ staysOpen: true })
  expect(openPack).toHaveBeenCalledOnce()
  await comparer.choose({ ...choice(), prefer: null }, unheard, never)
  await comparer.open(null, unheard, never)
  expect(compute.mock.calls).toEqual([['wasm'], ['wasm'], [null]])
  expect(openPack).toHaveBeenCalledOnce()
})

it('is opened again by itself when its device went away, once', async () => {
  const lost = new AppError('device-lost', 'Gone.')
  readPicture.mockRejectedValueOnce(lost)
  expect(await comparer.match({ picture: picture(1), texts: ['a cat'] }, unheard, never)).toHaveLength(1)
  expect(compute).toHaveBeenCalledTimes(2)
  readPicture.mockRejectedValueOnce(lost).mockRejectedValueOnce(lost)
  await expect(comparer.imageFeatures({ picture: picture(2) }, unheard, never)).rejects.toBe(lost)
  expect(compute).toHaveBeenCalledTimes(3)
})

it('lets go of its device, whatever else cannot be closed', async () => {
  const destroy = vi.fn()
  const compute = await openCompute('wasm')
  const opening = {
    ...{ pack: await openPackFolder(PACKS['compares'] ?? ''), prefer: null, besideBytes: 0, readPicture },
    openCompute: () => Promise.resolve(compute),
  }
  const opened = await OpenedComparer.open(opening, unheard, never)
  // As if it had been opened on one.
  Object.assign(compute, { device: { destroy } })
  const dispose = vi.spyOn(opened.model, 'dispose').mockRejectedValueOnce(new Error('Gone.'))
  await expect(opened.close()).rejects.toThrow('Gone.')
  expect(destroy).toHaveBeenCalledOnce()
  dispose.mockRestore()
  await opened.model.dispose()
})

it('refuses a model that talks, and any call while none is chosen', async () => {
  await expect(comparer.choose(choice('talks'), unheard, never)).rejects.toMatchObject({
    code: 'unsupported-model',
  })
  await expect(comparer.textFeatures({ texts: ['a cat'] }, unheard, never)).rejects.toMatchObject({
    code: 'not-found',
  })
  expect(await comparer.choose(null, unheard, never)).toBeNull()
})

it('stops waiting as soon as it is told to, and what can wait lets others pass', async () => {
  const stop = new AbortController()
  let go = unheard
  readPicture.mockImplementationOnce(async (_, preprocessing) => {
    await new Promise<void>((resolve) => (go = resolve))
    return pictureOf(rowsOf(8, 4, new Uint8Array(96)), preprocessing)
  })
  const held = comparer.imageFeatures({ picture: picture(9) }, unheard, stop.signal)
  await vi.waitFor(() => expect(readPicture).toHaveBeenCalledOnce())
  const order: string[] = []
  const turn = (name: string, canWait: boolean): Promise<unknown> =>
    comparer.work(() => Promise.resolve(order.push(name)), { report: unheard, signal: never, canWait })
  const both = [turn('waits', true), turn('asked', false)]
  stop.abort()
  await expect(held).rejects.toMatchObject({ code: 'cancelled' })
  go()
  await Promise.all(both)
  expect(order).toEqual(['asked', 'waits'])
})
