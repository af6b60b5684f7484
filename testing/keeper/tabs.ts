/** Tabs of one browser that keeps everything in memory: each has a keeper, and they share tables, locks and a channel. */
import { folderTree } from '../../src/cli/files.ts'
import { convertCheckpoint } from '../../src/convert/convert.ts'
import { LEDGER_PATH } from '../../src/convert/pack-writer.ts'
import { keeper } from '../../src/keeper/keeper.ts'
import type { KeeperParts } from '../../src/keeper/keeper-parts.ts'
import { sinkInMemory } from '../../src/pack/bytes.ts'
import type {
  AddProgress,
  AddRequest,
  KeeperCalls,
  OfferRequest,
  StoreNews,
} from '../../src/protocol/keeper-calls.ts'
import type { Handlers } from '../../src/protocol/rpc.ts'
import { plainNetwork } from '../../src/remote/network.ts'
import { channelInMemory } from '../../src/store/channel.ts'
import { locksInMemory, type Locks } from '../../src/store/locks.ts'
import { PackStore } from '../../src/store/pack-store.ts'
import type { StoreRecord } from '../../src/store/records.ts'
import { tableInMemory } from '../../src/store/table.ts'
import { startFaultServer, type FaultServer } from '../servers/fault-server.ts'

/** A checkpoint that is converted in a moment. */
export const CHECKPOINT = 'models/reference/untied'

export interface Tables {
  chunks: Map<string, Blob>
  parts: Map<string, Blob>
  records: Map<string, StoreRecord>
}

export interface Tab {
  keeper: Handlers<KeeperCalls>
  parts: KeeperParts
  /** Fetches or converts a model, whatever its offer is. */
  add(
    request: AddRequest,
    options?: { signal?: AbortSignal; report?: (progress: AddProgress) => void },
  ): Promise<string>
}

export interface Browser {
  tables: Tables
  /** Opens another tab. `overrides` change what it has to work with. */
  tab(overrides?: Partial<KeeperParts>): Tab
  /** What there would be after a crash at this moment. */
  crash(): Browser
}

/** A device and a browser with room for everything. */
export const CAPABLE: Pick<KeeperParts, 'device' | 'space' | 'storageProblem'> = {
  device: () =>
    Promise.resolve({
      provider: 'webgpu',
      f16: true,
      memory: { gib: 8, told: true, software: false, bufferBytes: 2 ** 31 },
    }),
  space: () => Promise.resolve({ usedBytes: 0, freeBytes: 2 ** 33, persisted: false }),
  storageProblem: () => Promise.resolve(null),
}

/** `locks` are the same for all tabs, as in a browser that has them; without, each tab has its own. */
export function openBrowser({
  tables = { chunks: new Map(), parts: new Map(), records: new Map() },
  sharedLocks = true,
}: { tables?: Tables; sharedLocks?: boolean } = {}): Browser {
  const common = locksInMemory()
  const bus = channelInMemory<StoreNews>()
  const storeWith = (locks: Locks): PackStore =>
    new PackStore({
      chunks: tableInMemory(tables.chunks),
      parts: tableInMemory(tables.parts),
      records: tableInMemory(tables.records),
      locks,
    })
  return {
    tables,
    tab(overrides = {}) {
      const locks = sharedLocks ? common : locksInMemory()
      const parts: KeeperParts = {
        store: storeWith(locks),
        locks,
        channel: bus.join(),
        network: plainNetwork({ wait: () => Promise.resolve(), stallMs: 10_000 }),
        ...CAPABLE,
        ...overrides,
      }
      const calls = keeper(parts)
      return {
        keeper: calls,
        parts,
        add: async (request, { signal = new AbortController().signal, report = () => undefined } = {}) =>
          (await calls.add(request, report, signal)).id,
      }
    },
    crash: () => {
      const { chunks, parts, records } = tables
      const copy = { chunks: new Map(chunks), parts: new Map(parts), records: structuredClone(records) }
      return openBrowser({ tables: copy, sharedLocks })
    },
  }
}

/** A request for what lies at an address. */
export function requestOf(text: string, change: Partial<OfferRequest> = {}): OfferRequest {
  return {
    source: { kind: 'address', text },
    precision: 'q8',
    token: null,
    hub: 'http://127.0.0.1:1/',
    prefer: null,
    memory: 'auto',
    ...change,
  }
}

let converted: Promise<Map<string, Uint8Array<ArrayBuffer>>> | undefined

/** A small pack that works, by path. */
export function smallPack(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  converted ??= (async () => {
    const files = new Map<string, Uint8Array<ArrayBuffer>>()
    await convertCheckpoint(folderTree(CHECKPOINT), sinkInMemory(files), { name: 'small', precision: 'q8' })
    // What the converter remembers for another time is no part of the pack.
    files.delete(LEDGER_PATH)
    return files
  })()
  return converted.then((files) => new Map(files))
}

/** Serves files by their paths. */
export function serveFiles(files: ReadonlyMap<string, Uint8Array>): Promise<FaultServer> {
  return startFaultServer((path) => files.get(path))
}

/** Resolves when `done` says so, looking again and again. */
export async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 1))
}

export const NEVER_STOPPED = new AbortController().signal
