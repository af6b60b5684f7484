import { createStore, type StoreApi } from 'zustand/vanilla'
import { describe, expect, it, vi } from 'vitest'
import { AppError, fromFailure, type Failure } from '../pack/failure.ts'
import type { BadWeights, EngineCalls, LoadedModel } from '../protocol/engine-calls.ts'
import type { Client, Handlers } from '../protocol/rpc.ts'
import { engineAccess } from './engine-access.ts'
import { healthSlice } from './health-slice.ts'
import { Loading } from './loading.ts'
import { modelSlice } from './model-slice.ts'
import { settingsSlice, type Settings } from './settings-slice.ts'
import type { AppState } from './store.ts'

const LOADED = {
  loadMs: 1,
  device: { recordsSteps: false },
  manifest: { name: 'm', tokenizer: { tokenizer: 'tokenizer.json' } },
} as unknown as LoadedModel
const LOST = new AppError('device-lost', 'The graphics device went away.')
const PATIENCE_MS = 20

/** What one worker does; what it leaves out it does at once, and it never loses its device. */
type Worker = Partial<Handlers<EngineCalls>>

/** Nothing is answered, as by a thread that backtracks for ever. */
const blocked = (): Promise<never> => new Promise(() => undefined)

interface Bench {
  store: StoreApi<AppState>
  kept: Settings[]
  /** Inputs of every load, by worker. */
  loads: EngineCalls['load']['in'][][]
}

/** Model and health over an engine whose first worker behaves like the first of `workers`, the next like the second, and so on. */
function bench(workers: Worker[], kept: Settings[] = []): Bench {
  const loads: Bench['loads'] = []
  const started = (): { client: Client<EngineCalls>; end: (failure: Failure) => void } => {
    const worker = workers[loads.length] ?? {}
    const loadsHere: EngineCalls['load']['in'][] = []
    loads.push(loadsHere)
    let end: (failure: Failure) => void = () => undefined
    const ended = new Promise<never>((_, reject) => (end = (failure) => reject(fromFailure(failure))))
    ended.catch(() => undefined)
    const handlers: Partial<Handlers<EngineCalls>> = {
      load: () => Promise.resolve(LOADED),
      untilLost: blocked,
      untilChecked: () => Promise.resolve(null),
      untilStepsKnown: () => Promise.resolve(null),
      towerStates: () => Promise.resolve(null),
      ping: () => Promise.resolve(null),
      unload: () => Promise.resolve(null),
      ...worker,
    }
    const call = (kind: keyof EngineCalls, input: never, options: { signal?: AbortSignal } = {}): unknown => {
      if (kind === 'load') loadsHere.push(input)
      const { signal = new AbortController().signal } = options
      return Promise.race([ended, handlers[kind]?.(input, () => undefined, signal)])
    }
    return { client: { call, fail: end } as unknown as Client<EngineCalls>, end }
  }
  let worker = started()
  const store = createStore<AppState>()((set, get) => {
    const engine = engineAccess(
      {
        client: worker.client,
        restart(failure) {
          worker.end(failure)
          worker = started()
          return worker.client
        },
      },
      {
        patienceMs: PATIENCE_MS,
        onUnresponsive: (failure, isBlocked) => get().engineUnresponsive(failure, isBlocked),
        onBlocked: (isBlocked) => get().engineBlocked(isBlocked),
      },
    )
    const loading = new Loading(set, get, engine, { builtInModelUrl: 'http://localhost/built-in/' })
    return {
      ...settingsSlice(set, get, { load: () => kept.at(-1), save: (settings) => void kept.push(settings) }),
      ...modelSlice(set, get, loading),
      ...healthSlice(set, get, engine, () => loading.modelId),
      stopAll: () => undefined,
      answerWaiting: () => Promise.resolve(),
      // The slices ask for nothing else.
    } as unknown as AppState
  })
  return { store, kept, loads }
}

const placesOf = (loads: EngineCalls['load']['in'][][]): unknown[] =>
  loads.map((worker) => worker.map(({ pack }) => (pack.kind === 'kept' ? pack.id : 'built-in')))

describe('a model that loses its graphics device while it is loaded', () => {
  it('is loaded again by itself, in a fresh worker', async () => {
    const { store, loads } = bench([{ load: () => Promise.reject(LOST) }])
    const statuses: string[] = []
    store.subscribe(({ model }, { model: before }) => {
      if (model.status !== before.status) statuses.push(model.status)
    })
    await store.getState().loadModel()
    expect(statuses).toEqual(['loading', 'failed', 'loading', 'ready'])
    expect(store.getState().announcement).toEqual([
      { key: 'models:lost.gone' },
      { key: 'models:lost.loading' },
    ])
    expect(placesOf(loads)).toEqual([['built-in'], ['built-in']])
  })

  it('is loaded by itself only once; then people decide, and a third worker is a fresh one too', async () => {
    const losing = { load: () => Promise.reject(LOST) }
    const { store, loads } = bench([losing, losing])
    await store.getState().loadModel()
    expect(store.getState()).toMatchObject({ losses: 2, model: { failure: { code: 'device-lost' } } })
    expect(store.getState().announcement).toEqual([
      { key: 'models:lost.gone' },
      { key: 'models:lossesInARow', values: { count: 2 } },
    ])
    await store.getState().loadModel()
    expect(store.getState().model.status).toBe('ready')
    expect(placesOf(loads)).toEqual([['built-in'], ['built-in'], ['built-in']])
  })

  it.each([
    ['is loaded by itself once more when it answered in between', true, ['loading', 'ready']],
    ['waits for people when it did not', false, []],
  ])('and loses it again behind that %s', async (_, answers, then) => {
    let lose: (failure: Failure) => void = () => undefined
    const untilLost = (): Promise<Failure> => new Promise((resolve) => (lose = resolve))
    const { store, loads } = bench([{ load: () => Promise.reject(LOST) }, { untilLost }])
    await store.getState().loadModel()
    if (answers) store.getState().answerFinished()
    const statuses: string[] = []
    store.subscribe(({ model }, { model: before }) => {
      if (model.status !== before.status) statuses.push(model.status)
    })
    lose({ code: 'device-lost', message: LOST.message })
    await vi.waitFor(() => expect(statuses).toEqual(['failed', ...then]))
    expect(loads.filter((worker) => worker.length > 0)).toHaveLength(answers ? 3 : 2)
  })

  it('gives way to another that is wanted meanwhile, in a fresh worker', async () => {
    let lose: (error: unknown) => void = () => undefined
    const { store, loads } = bench([{ load: () => new Promise((_, reject) => (lose = reject)) }])
    void store.getState().loadModel()
    const changed = store.getState().changeModel('kept')
    lose(LOST)
    await changed
    expect(store.getState()).toMatchObject({ losses: 0, model: { status: 'ready' } })
    expect(placesOf(loads)).toEqual([['built-in'], ['kept']])
  })
})

describe('a model whose first step shows whether steps are recorded', () => {
  const unknown: LoadedModel = { ...LOADED, device: { ...LOADED.device, recordsSteps: null } }
  const saidOf = ({ store }: Bench): unknown => {
    const { model } = store.getState()
    return model.status === 'ready' ? model.loaded.device.recordsSteps : model.status
  }

  it('is said to be unknown until then', async () => {
    let show: (records: boolean | null) => void = () => undefined
    const known = new Promise<boolean | null>((resolve) => (show = resolve))
    const page = bench([{ load: () => Promise.resolve(unknown), untilStepsKnown: () => known }])
    await page.store.getState().loadModel()
    expect(saidOf(page)).toBeNull()
    show(true)
    await vi.waitFor(() => expect(saidOf(page)).toBe(true))
  })

  it('is not mistaken for the next one', async () => {
    const shown: ((records: boolean | null) => void)[] = []
    const page = bench([
      {
        load: () => Promise.resolve(unknown),
        untilStepsKnown: () => new Promise((resolve) => void shown.push(resolve)),
      },
    ])
    await page.store.getState().loadModel()
    await page.store.getState().changeModel('kept')
    const said = new Set([saidOf(page)])
    page.store.subscribe(() => said.add(saidOf(page)))
    expect(shown).toHaveLength(2)
    shown[0]?.(true)
    shown[1]?.(false)
    await vi.waitFor(() => expect(saidOf(page)).toBe(false))
    expect(said).toEqual(new Set([null, false]))
  })
})

describe('a model whose weights had gone bad where they are kept', () => {
  const FAILURE: Failure = { code: 'corrupt', message: 'A part of this model had gone bad.' }

  it('is loaded again by itself when they were mended, which stays to be read', async () => {
    let bad = true
    const untilChecked = (): Promise<BadWeights | null> => {
      const found = bad ? { failure: FAILURE, mended: true } : null
      bad = false
      return Promise.resolve(found)
    }
    const { store, loads } = bench([{ untilChecked }])
    await store.getState().loadModel()
    await vi.waitFor(() => expect(loads[0]).toHaveLength(2))
    await vi.waitFor(() => expect(store.getState().model.status).toBe('ready'))
    const announcement = { key: `failures:${FAILURE.code}`, exactly: FAILURE.message }
    expect(store.getState()).toMatchObject({ mended: FAILURE, announcement })
    await store.getState().changeModel('kept')
    expect(store.getState().mended).toBeNull()
  })

  it('fails in a sentence when they cannot be had again', async () => {
    const { store, loads } = bench([
      { untilChecked: () => Promise.resolve({ failure: FAILURE, mended: false }) },
    ])
    await store.getState().loadModel()
    await vi.waitFor(() => expect(store.getState().model).toEqual({ status: 'failed', failure: FAILURE }))
    expect(loads[0]).toHaveLength(1)
    expect(store.getState().mended).toBeNull()
  })
})

describe('a model that does not end what it is told to end', () => {
  const chosen = (...workers: Worker[]): Bench => {
    const all = bench(workers)
    all.store.getState().changeSettings({ model: 'bad' })
    return all
  }

  it('can be left while it is loaded: its worker is ended, and the other one is loaded', async () => {
    const { store, loads } = chosen({ load: blocked, ping: blocked, unload: blocked })
    void store.getState().loadModel()
    await store.getState().changeModel(null)
    expect(store.getState()).toMatchObject({
      model: { status: 'ready' },
      settings: { model: null, unresponsive: 'bad' },
    })
    expect(placesOf(loads)).toEqual([['bad'], ['built-in']])
  })

  it('can be left when it is ready but the thread is lost, and can be measured no more', async () => {
    const { store, loads } = chosen({ unload: blocked, ping: blocked })
    await store.getState().loadModel()
    expect(await store.getState().unloadModel()).toEqual({ kind: 'kept', id: 'bad' })
    expect(store.getState().model.status).toBe('absent')
    expect(loads).toHaveLength(2)
  })

  it('fails in a sentence when nothing else is wanted, and is held against nobody who merely is slow', async () => {
    const { store } = chosen({ unload: blocked })
    await store.getState().loadModel()
    const told: Failure[] = []
    store.subscribe(({ model }) => model.status === 'failed' && told.push(model.failure))
    await store.getState().unloadModel()
    expect(told[0]).toMatchObject({
      code: 'unresponsive',
      message: expect.stringContaining('did not stop') as string,
    })
    expect(store.getState().settings.unresponsive).toBe(null)
  })

  it('is not loaded by itself by the next visit, which says why, until it has been loaded and was sound', async () => {
    const { store, kept } = chosen({ load: blocked, ping: blocked })
    void store.getState().loadModel()
    await vi.waitFor(() => expect(store.getState().settings.unresponsive).toBe('bad'))

    const next = bench([], kept)
    await next.store.getState().startModel(null)
    expect(placesOf(next.loads)).toEqual([['built-in']])
    expect(next.store.getState().setAside).toMatchObject({ code: 'unresponsive' })
    await next.store.getState().changeModel('bad')
    expect(next.store.getState()).toMatchObject({ setAside: null, settings: { unresponsive: null } })

    const last = bench([], kept)
    await last.store.getState().startModel('wasm')
    expect(placesOf(last.loads)).toEqual([['bad']])
    expect(last.store.getState().settings.prefer).toBe('wasm')
  })

  it('is forgiven when the thread answers again', async () => {
    let wake: () => void = () => undefined
    const asleep = new Promise<null>((resolve) => (wake = () => resolve(null)))
    const { store } = chosen({ load: () => asleep.then(blocked), ping: () => asleep })
    void store.getState().loadModel()
    await vi.waitFor(() => expect(store.getState().settings.unresponsive).toBe('bad'))
    wake()
    await vi.waitFor(() => expect(store.getState().settings.unresponsive).toBe(null))
  })
})
