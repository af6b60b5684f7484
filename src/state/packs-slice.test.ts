import { describe, expect, it, vi } from 'vitest'
import { createStore, type StoreApi } from 'zustand/vanilla'
import { AppError } from '../pack/failure.ts'
import type { AddProgress, AddRequest, KeeperCalls, KeptModel, Offer } from '../protocol/keeper-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import { packsSlice, type PacksDependencies } from './packs-slice.ts'
import type { AppState } from './store.ts'

/** A call of the keeper that the test ends as it likes. */
interface Pending<K extends keyof KeeperCalls> {
  input: KeeperCalls[K]['in']
  signal: AbortSignal
  report: (event: KeeperCalls[K]['event']) => void
  resolve: (out: KeeperCalls[K]['out']) => void
  reject: (error: Error) => void
}

interface Fake {
  store: StoreApi<AppState>
  offers: Pending<'offer'>[]
  adds: Pending<'add'>[]
  saves: Pending<'save'>[]
  removed: string[]
  kept: KeptModel[]
  changeModel: ReturnType<typeof vi.fn<(id: string | null) => Promise<void>>>
}

const SPACE = { usedBytes: 0, freeBytes: null, persisted: true }

function fake(overrides: Partial<PacksDependencies> = {}): Fake {
  const pending = { offer: [], add: [], save: [] } as {
    offer: Pending<'offer'>[]
    add: Pending<'add'>[]
    save: Pending<'save'>[]
  }
  const all: Omit<Fake, 'store'> = {
    offers: pending.offer,
    adds: pending.add,
    saves: pending.save,
    removed: [],
    kept: [],
    changeModel: vi.fn<(id: string | null) => Promise<void>>().mockResolvedValue(),
  }
  const call = (
    kind: keyof KeeperCalls,
    input: never,
    { onEvent, signal }: { onEvent?: never; signal?: AbortSignal } = {},
  ): Promise<unknown> => {
    if (kind === 'list') return Promise.resolve({ models: [...all.kept], space: SPACE })
    if (kind === 'remove') {
      const { id } = input as { id: string }
      all.removed.push(id)
      all.kept = all.kept.filter((model) => model.id !== id)
      return Promise.resolve(0)
    }
    return new Promise((resolve, reject) => {
      const one = { input, signal: signal ?? new AbortController().signal, report: onEvent, resolve, reject }
      if (kind === 'offer' || kind === 'add' || kind === 'save') pending[kind].push(one as never)
    })
  }
  const store = createStore<AppState>()((set, get) => {
    const slice = packsSlice(set, get, {
      // The slice calls and is answered; which types go with which call is the protocol's affair.
      client: { call, fail: () => undefined } as unknown as Client<KeeperCalls>,
      persist: () => Promise.resolve(true),
      chooseFolder: () => Promise.resolve('none'),
      offerFile: () => undefined,
      ...overrides,
    })
    // Of the other slices this one reads the chosen model and changes it.
    return { ...slice, settings: { model: null }, changeModel: all.changeModel } as unknown as AppState
  })
  return Object.assign(all, { store })
}

const address = (text: string): AddRequest['source'] => ({ kind: 'address', text })
const OPTIONS = { precision: 'q8', token: null } as const

function offerOf(id: string, change: Partial<Offer> = {}): Offer {
  return {
    id,
    what: 'pack',
    name: id,
    precision: 'q8',
    parameters: 1,
    licence: null,
    licenceNotice: null,
    fetchBytes: 1,
    keepBytes: 1,
    bytesPerSecond: null,
    pinned: null,
    resumes: false,
    findings: [],
    ...change,
  }
}

function modelOf(id: string, change: Partial<KeptModel> = {}): KeptModel {
  return {
    id,
    name: id,
    precision: 'q8',
    bytes: 1,
    complete: true,
    licence: null,
    licenceNotice: null,
    address: null,
    asked: null,
    converted: null,
    ...change,
  }
}

const progressOf = (doneBytes: number): AddProgress => ({
  doing: 'fetching',
  name: 'a',
  doneBytes,
  totalBytes: 10,
  bytesPerSecond: null,
  secondsLeft: null,
  parts: [],
  waiting: null,
  elsewhere: false,
})

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))
const CANCELLED = new AppError('cancelled', 'Stopped.')

/** Up to the work on an accepted offer. */
async function running(): Promise<Fake & { started: Promise<void> }> {
  const all = fake()
  void all.store.getState().requestOffer(address('a'), OPTIONS)
  all.offers[0]?.resolve(offerOf('a'))
  await settled()
  const started = all.store.getState().startAdding()
  await settled()
  return Object.assign(all, { started })
}

describe('an offer', () => {
  it('that was cancelled does not appear, whenever it comes', async () => {
    const { store, offers } = fake()
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
    const { store, offers } = fake()
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

  it('that another took the place of is not accepted by whoever resumes', async () => {
    const { store, offers, adds } = fake()
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
    const { store, offers, adds } = fake()
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
    const { store, offers } = fake()
    void store.getState().requestOffer(address('a'), OPTIONS)
    offers[0]?.reject(new AppError('not-found', 'Nothing there.'))
    await settled()
    expect(store.getState()).toMatchObject({
      adding: { status: 'failed', offer: null, failure: { code: 'not-found' } },
      announcement: 'Nothing there.',
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

describe('saving', () => {
  it('is done one at a time, shows how far it is, and can be cancelled', async () => {
    const { store, saves } = fake()
    const saving = store.getState().saveKept(modelOf('a'))
    await settled()
    await store.getState().saveKept(modelOf('b'))
    expect(saves).toHaveLength(1)
    saves[0]?.report({ doneBytes: 1, totalBytes: 2 })
    expect(store.getState().saving).toEqual({ status: 'running', id: 'a', doneBytes: 1, totalBytes: 2 })
    store.getState().cancelSaving()
    expect(saves[0]?.signal.aborted).toBe(true)
    saves[0]?.reject(CANCELLED)
    await saving
    expect(store.getState().saving).toEqual({ status: 'idle' })
  })
})
