import { describe, expect, it } from 'vitest'
import {
  fakeKeeper,
  modelOf,
  offerOf,
  progressOf,
  settled,
  type FakeKeeper,
} from '../../testing/state/fake-keeper.ts'
import { AppError } from '../pack/failure.ts'
import { durationRange } from './offers.ts'
import type { AddRequest } from '../protocol/keeper-calls.ts'

const address = (text: string): AddRequest['source'] => ({ kind: 'address', text })
const OPTIONS = { precision: 'q8', token: null } as const
const CANCELLED = new AppError('cancelled', 'Stopped.')

/** Up to the work on an accepted offer. */
async function running(): Promise<FakeKeeper & { started: Promise<void> }> {
  const all = fakeKeeper()
  void all.store.getState().requestOffer(address('a'), OPTIONS)
  all.offers[0]?.resolve(offerOf('a'))
  await settled()
  const started = all.store.getState().startAdding()
  await settled()
  return Object.assign(all, { started })
}

describe('an offer', () => {
  it('says how long a caption would take as soon as that is measured, and of no other offer', async () => {
    const { store, offers, devices } = fakeKeeper()
    const speed = { flops: 1e10, bytesPerSecond: 1e9, launchMs: 0.1 }
    devices.push({ provider: 'wasm', adapter: '', software: false, speed })
    const work = { flops: 1e11, lookNodes: 0, wordBytes: 1e9, wordNodes: 0, words: 10 }
    void store.getState().requestOffer(address('a'), OPTIONS)
    offers[0]?.resolve(offerOf('a', { work, findings: [{ ok: true, key: 'room' }] }))
    await settled()
    const { adding } = store.getState()
    expect(adding.status === 'offered' && adding.offer.findings).toEqual([
      { ok: false, mixed: true, key: 'captionProcessor', values: { seconds: 280 } },
      { ok: true, key: 'room' },
    ])
  })

  it('is of the picture size that was chosen', async () => {
    const { store } = fakeKeeper()
    void store.getState().requestOffer(address('a'), { ...OPTIONS, imageSize: 364 })
    await settled()
    expect(store.getState().adding).toMatchObject({ request: { imageSize: 364 } })
  })

  it('says it once when the same model is asked for again while it is measured', async () => {
    const all = fakeKeeper()
    const { store, offers } = all
    const measured: (() => void)[] = []
    all.probeDevices = () => new Promise((resolve) => measured.push(() => resolve(all.devices)))
    const speed = { flops: 1e10, bytesPerSecond: 1e9, launchMs: 0.1 }
    all.devices.push({ provider: 'wasm', adapter: '', software: false, speed })
    const work = { flops: 1e11, lookNodes: 0, wordBytes: 1e9, wordNodes: 0, words: 10 }
    for (const at of [0, 1]) {
      void store.getState().requestOffer(address('a'), OPTIONS)
      offers[at]?.resolve(offerOf('a', { work }))
      await settled()
    }
    for (const done of measured) done()
    await settled()
    const { adding } = store.getState()
    expect(measured).toHaveLength(2)
    expect(adding.status === 'offered' && adding.offer.findings).toHaveLength(1)
  })

  it('takes as long as the slower of line and converter, or both one behind the other', () => {
    const most = { fetchBytes: 2e9, keepBytes: 1e9 }
    const offer = { fetchBytes: 1e9, most, bytesPerSecond: 1e7, convertBytesPerSecond: 2e7 }
    expect(durationRange(offer)).toEqual([100, 450])
    expect(durationRange({ ...offer, bytesPerSecond: null })).toEqual([50, 150])
    expect(durationRange({ ...offer, bytesPerSecond: null, convertBytesPerSecond: null })).toBeNull()
  })

  it('that was cancelled does not appear, whenever it comes', async () => {
    const { store, offers } = fakeKeeper()
    const requested = store.getState().requestOffer(address('a'), OPTIONS)
    expect(store.getState().adding.status).toBe('finding')
    await store.getState().cancelAdding(false)
    expect(offers[0]?.signal.aborted).toBe(true)
    expect(store.getState().adding).toEqual({ status: 'idle' })
    offers[0]?.resolve(offerOf('a'))
    await requested
    expect(store.getState().adding).toEqual({ status: 'idle' })
  })

  it('is requested at once after one that was cancelled and has not settled', async () => {
    const { store, offers } = fakeKeeper()
    const first = store.getState().requestOffer(address('a'), OPTIONS)
    void store.getState().cancelAdding(false)
    const second = store.getState().requestOffer(address('b'), OPTIONS)
    await settled()
    expect(offers.map(({ input }) => input.source)).toEqual([address('a'), address('b')])
    expect(store.getState().adding).toMatchObject({ status: 'finding', request: { source: address('b') } })
    offers[0]?.resolve(offerOf('a'))
    await first
    expect(store.getState().adding.status).toBe('finding')
    offers[1]?.resolve(offerOf('b'))
    await second
    expect(store.getState().adding).toMatchObject({ status: 'offered', offer: { id: 'b' } })
    // Nor does the failure of an earlier one appear.
    const third = store.getState().requestOffer(address('c'), OPTIONS)
    const fourth = store.getState().requestOffer(address('d'), OPTIONS)
    offers[3]?.resolve(offerOf('d'))
    offers[2]?.reject(new AppError('network', 'Away.'))
    await Promise.all([third, fourth])
    expect(store.getState().adding).toMatchObject({ status: 'offered', offer: { id: 'd' } })
  })

  it('begins nothing before somebody accepts it', async () => {
    const { store, offers, adds } = fakeKeeper()
    const requested = store.getState().requestOffer(address('a'), OPTIONS)
    await store.getState().startAdding()
    offers[0]?.resolve({ ...offerOf('a'), licence: 'other: research-only' })
    await requested
    await settled()
    expect([store.getState().adding.status, adds.length]).toEqual(['offered', 0])
    void store.getState().startAdding()
    await settled()
    expect(adds.map(({ input }) => input.source)).toEqual([address('a')])
  })

  it('that another took the place of is not accepted by whoever resumes', async () => {
    const { store, offers, adds } = fakeKeeper()
    const resumed = store.getState().resumeKept(modelOf('old', { address: 'a', complete: false }))
    const other = store.getState().requestOffer(address('b'), OPTIONS)
    offers[1]?.resolve(offerOf('b'))
    await other
    offers[0]?.resolve(offerOf('a'))
    await resumed
    expect(adds).toEqual([])
    expect(store.getState().adding).toMatchObject({ status: 'offered', offer: { id: 'b' } })
  })

  it('of a checkpoint is from then on about what was found, not what may be pushed', async () => {
    const { store, offers, adds } = fakeKeeper()
    void store.getState().requestOffer(address('a/b'), OPTIONS)
    offers[0]?.resolve(offerOf('a', { what: 'checkpoint', pinned: 'hub:a/b@1' }))
    await settled()
    void store.getState().startAdding()
    expect(adds[0]?.input.source).toEqual(address('hub:a/b@1'))
  })

  it('is refused aloud while another model is being added', async () => {
    const { store, offers } = await running()
    await store.getState().requestOffer(address('b'), OPTIONS)
    expect(offers).toHaveLength(1)
    expect(store.getState().keptFailure).toMatchObject({ code: 'bad-usage' })
    expect(store.getState().adding.status).toBe('running')
  })

  it('that fails says why', async () => {
    const { store, offers } = fakeKeeper()
    void store.getState().requestOffer(address('a'), OPTIONS)
    offers[0]?.reject(new AppError('not-found', 'Nothing there.'))
    await settled()
    expect(store.getState()).toMatchObject({
      adding: { status: 'failed', offer: null, failure: { code: 'not-found' } },
      announcement: { key: 'failures:not-found', exactly: 'Nothing there.' },
    })
  })
})

describe('adding', () => {
  it('can be paused and gone on with', async () => {
    const { store, adds, started } = await running()
    adds[0]?.report(progressOf(3))
    store.getState().pauseAdding()
    // What comes late does not count.
    adds[0]?.report(progressOf(9))
    adds[0]?.reject(CANCELLED)
    await started
    expect(store.getState().adding).toMatchObject({ status: 'paused', progress: { doneBytes: 3 } })
    void store.getState().startAdding()
    expect(store.getState().adding).toMatchObject({ status: 'running', progress: { doneBytes: 3 } })
    adds[1]?.resolve(modelOf('a'))
    await settled()
    expect(store.getState().adding).toMatchObject({ status: 'added', model: { id: 'a' } })
  })

  it('can be cancelled, and what has arrived deleted', async () => {
    const all = await running()
    all.kept = [modelOf('a', { complete: false })]
    const cancelled = all.store.getState().cancelAdding(true)
    all.adds[0]?.reject(CANCELLED)
    await cancelled
    expect(all.store.getState().adding).toEqual({ status: 'idle' })
    expect(all.removed).toEqual(['a'])
  })

  it('that was done before it could be cancelled stays done', async () => {
    const all = await running()
    all.kept = [modelOf('a')]
    const cancelled = all.store.getState().cancelAdding(true)
    all.adds[0]?.resolve(modelOf('a'))
    await cancelled
    expect(all.store.getState().adding).toMatchObject({ status: 'added' })
    expect(all.removed).toEqual([])
  })

  it('of a newer version changes over to it where the old one was in use', async () => {
    const all = await running()
    const old = modelOf('old', { asked: 'x' })
    all.store.setState({ kept: [old], settings: { ...all.store.getState().settings, model: 'old' } })
    all.kept = [modelOf('a', { asked: 'x' })]
    // The list of before is that of the moment when the work began.
    all.store.getState().pauseAdding()
    all.adds[0]?.reject(CANCELLED)
    await all.started
    all.store.setState({ kept: [old] })
    const again = all.store.getState().startAdding()
    all.adds[1]?.resolve(modelOf('a', { asked: 'x' }))
    await again
    expect(all.changeModel).toHaveBeenCalledWith('a')
  })
})
