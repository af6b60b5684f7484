/** A keeper whose calls the test ends as it likes, and the state of the models that it keeps. */
import { vi, type Mock } from 'vitest'
import { createStore, type StoreApi } from 'zustand/vanilla'
import type { AppError } from '../../src/pack/failure.ts'
import type { ProbedDevice } from '../../src/protocol/engine-calls.ts'
import type {
  AddProgress,
  KeeperCalls,
  KeptModel,
  Offer,
  StoreNews,
} from '../../src/protocol/keeper-calls.ts'
import type { Client } from '../../src/protocol/rpc.ts'
import { addingSlice } from '../../src/state/adding-slice.ts'
import { costsSlice } from '../../src/state/costs-slice.ts'
import { keptSlice, type KeptDependencies } from '../../src/state/kept-slice.ts'
import { savingSlice, type SavingDependencies } from '../../src/state/saving-slice.ts'
import type { AppState } from '../../src/state/store.ts'

/** A call that is under way. */
interface Pending<K extends keyof KeeperCalls> {
  input: KeeperCalls[K]['in']
  signal: AbortSignal
  report: (event: KeeperCalls[K]['event']) => void
  resolve: (out: KeeperCalls[K]['out']) => void
  reject: (error: Error) => void
}

export interface FakeKeeper {
  store: StoreApi<AppState>
  offers: Pending<'offer'>[]
  adds: Pending<'add'>[]
  saves: Pending<'save'>[]
  /** Ids, as they were deleted. */
  removed: string[]
  /** What the keeper lists. */
  kept: KeptModel[]
  /** Why it cannot list anything just now. */
  unread: AppError | null
  /** Ids of models of which it finds a newer version. */
  newer: string[]
  /** Lets the page hear what other tabs do. */
  tell: (news: StoreNews) => void
  /** What the engine finds of the devices here. */
  devices: ProbedDevice[]
  probeDevices: () => Promise<ProbedDevice[]>
  changeModel: Mock<AppState['changeModel']>
}

/** Bytes per second. */
export const CONVERTING_SPEED = 20e6
const SPACE = { usedBytes: 0, freeBytes: null, persisted: true }

export function fakeKeeper(
  overrides: Partial<KeptDependencies & SavingDependencies> = {},
  onChanged: () => void = () => undefined,
): FakeKeeper {
  const pending: Pick<FakeKeeper, 'offers' | 'adds' | 'saves'> = { offers: [], adds: [], saves: [] }
  const all: Omit<FakeKeeper, 'store'> = {
    ...pending,
    removed: [],
    kept: [],
    unread: null,
    newer: [],
    devices: [],
    probeDevices: () => Promise.resolve(all.devices),
    tell: () => undefined,
    changeModel: vi.fn<AppState['changeModel']>().mockResolvedValue(),
  }
  const call = (
    kind: keyof KeeperCalls,
    input: never,
    { onEvent, signal }: { onEvent?: (event: never) => void; signal?: AbortSignal } = {},
  ): Promise<unknown> => {
    switch (kind) {
      case 'list':
        if (all.unread !== null) return Promise.reject(all.unread)
        return Promise.resolve({ models: [...all.kept], modelBytes: 0, space: SPACE })
      case 'newer':
        return Promise.resolve(all.newer)
      case 'remove': {
        const { id } = input as { id: string }
        all.removed.push(id)
        all.kept = all.kept.filter((model) => model.id !== id)
        return Promise.resolve(0)
      }
      case 'convertingSpeed':
        return Promise.resolve(CONVERTING_SPEED)
      case 'watch':
        if (onEvent !== undefined) all.tell = onEvent as FakeKeeper['tell']
        return new Promise(() => undefined)
      case 'offer':
      case 'add':
      case 'save':
        return new Promise((resolve, reject) => {
          const one = {
            input,
            signal: signal ?? new AbortController().signal,
            report: onEvent,
            resolve,
            reject,
          }
          pending[`${kind}s`].push(one as never)
        })
    }
  }
  const store = createStore<AppState>()((set, get) => {
    const dependencies = {
      // The slices call and are answered; which types go with which call is the protocol's affair.
      client: { call, fail: () => undefined } as unknown as Client<KeeperCalls>,
      persist: () => Promise.resolve(true),
      chooseFolder: () => Promise.resolve('none' as const),
      offerFile: () => undefined,
      ...overrides,
    }
    return {
      ...keptSlice(set, get, dependencies, onChanged),
      ...addingSlice(set, get, dependencies.client, () => all.probeDevices()),
      ...costsSlice(set, get, dependencies.client, () => all.probeDevices()),
      ...savingSlice(set, get, dependencies),
      // Of the other slices these read the chosen model and change it.
      settings: { model: null, prefer: null },
      changeModel: all.changeModel,
    } as unknown as AppState
  })
  return Object.assign(all, { store })
}

export function offerOf(id: string, change: Partial<Offer> = {}): Offer {
  return {
    id,
    what: 'pack',
    name: id,
    precision: 'q8',
    parameters: 1,
    licence: null,
    licenceNotice: null,
    languageLicence: null,
    place: null,
    fetchBytes: 1,
    keepBytes: 1,
    most: { fetchBytes: 1, keepBytes: 1 },
    bytesPerSecond: null,
    convertBytesPerSecond: null,
    work: null,
    pinned: null,
    resumes: false,
    findings: [],
    ...change,
  }
}

export function modelOf(id: string, change: Partial<KeptModel> = {}): KeptModel {
  return {
    id,
    name: id,
    precision: 'q8',
    bytes: 1,
    complete: true,
    licence: null,
    licenceNotice: null,
    languageLicence: null,
    place: null,
    address: null,
    asked: null,
    converted: null,
    compares: false,
    ...change,
  }
}

export const progressOf = (doneBytes: number): AddProgress => ({
  doing: 'fetching',
  name: 'a',
  doneBytes,
  totalBytes: 10,
  bytesPerSecond: null,
  secondsLeft: null,
  parts: [],
  delay: null,
  elsewhere: false,
})

/** Whatever can go on has done so. */
export const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))
