/**
 * Models come into the browser's store and go again: packs that are fetched, checkpoints that are converted, newer
 * versions, deletions. All of it through the keeper, as the page has it.
 */
import { keeper } from '../../src/keeper/keeper.ts'
import type { KeeperParts } from '../../src/keeper/keeper-parts.ts'
import { sha256Hex } from '../../src/pack/bytes.ts'
import { MANIFEST_PATH, parseManifest } from '../../src/pack/manifest.ts'
import { AppError } from '../../src/pack/failure.ts'
import type { AddRequest, KeeperCalls, StoreNews } from '../../src/protocol/keeper-calls.ts'
import type { Handlers } from '../../src/protocol/rpc.ts'
import type { Random } from '../../src/scenes/random.ts'
import { openBrowserStore } from '../../src/store/browser-store.ts'
import { channelInMemory } from '../../src/store/channel.ts'
import { locksInMemory } from '../../src/store/locks.ts'
import type { PackStore } from '../../src/store/pack-store.ts'
import { hashesOf, packId } from '../../src/store/records.ts'
import { CAPABLE, requestOf } from '../keeper/tabs.ts'
import { Databases } from './databases.ts'
import type { Session } from './machine.ts'
import { demand, type Scenario, type Work } from './scenario.ts'
import { CHECKPOINTS, Servers } from './server.ts'
import { converted, filesOfComputer, smallCheckpoint, type Files } from './small-models.ts'

/** What is done, in this order, and done again until it is reported. */
interface Task {
  do: 'add' | 'remove'
  source: Source
}

/** Where a model comes from, and the manifest of the pack that is kept in the end. */
interface Source {
  request: AddRequest
  manifest: string
  /** Another that takes its place when it is added: from the same address, a later version. */
  replaces?: Source
  /** What its server has. */
  serve: (servers: Servers) => void
}

export const downloads: Scenario = {
  name: 'downloads',
  prepare: async (random) => {
    const { pack, newer, other } = await sources()
    const tasks = pickTasks(random, [
      [add(pack)],
      [add(pack), add(newer)],
      [add(pack), add(other), remove(pack)],
      [add(pack), remove(pack), add(pack)],
    ])
    return new Keeping(random, tasks)
  },
}

export const conversions: Scenario = {
  name: 'conversions',
  prepare: async (random) => {
    const { remote, local, pack } = await sources()
    const tasks = pickTasks(random, [
      [add(remote)],
      [add(local)],
      [add(remote), add(local), remove(remote)],
      [add(pack), add(remote), remove(pack)],
    ])
    return new Keeping(random, tasks)
  },
}

const add = (source: Source): Task => ({ do: 'add', source })
const remove = (source: Source): Task => ({ do: 'remove', source })

function pickTasks(random: Random, [first = [], ...others]: Task[][]): Task[] {
  return [...random.pick([first, ...others])]
}

class Keeping implements Work {
  readonly media: readonly [Databases]
  readonly #databases = new Databases()
  readonly #servers: Servers
  readonly #random: Random
  readonly #left: Task[]
  /** What was reported as kept and not begun to be removed since. */
  readonly #promised = new Set<Source>()
  /** What was reported as deleted and not added since. */
  readonly #gone = new Set<Source>()
  readonly #complaints: string[] = []

  constructor(random: Random, tasks: Task[]) {
    this.#random = random
    this.#left = tasks
    this.#servers = new Servers(random)
    this.media = [this.#databases]
  }

  async goOn(session: Session): Promise<void> {
    const parts = this.#parts(session)
    const calls = keeper(parts)
    const never = new AbortController().signal
    void calls.watch(null, () => undefined, never)
    void this.#openTabs(session, calls, never)
    this.#watchServers(session)
    for (let [task] = this.#left; task !== undefined; [task] = this.#left) {
      try {
        await this.#do(task, calls, never)
        this.#left.shift()
      } catch (error) {
        // The line was too bad, or garbled one chunk twice; somebody presses Resume.
        if (!(error instanceof AppError && ['network', 'corrupt'].includes(error.code))) throw error
      }
    }
  }

  /** Other tabs are opened meanwhile, and each sweeps. */
  async #openTabs(session: Session, calls: Handlers<KeeperCalls>, never: AbortSignal): Promise<void> {
    for (let tabs = 0; tabs < 4; tabs += 1) {
      for (let steps = Math.floor(this.#random.next() * 30); steps > 0; steps -= 1)
        await session.step(() => undefined)
      void calls.watch(null, () => undefined, never)
    }
  }

  async #do({ do: what, source }: Task, calls: Handlers<KeeperCalls>, never: AbortSignal): Promise<void> {
    if (what === 'remove') {
      this.#promised.delete(source)
      await calls.remove({ id: await packId(source.manifest) }, () => undefined, never)
      this.#gone.add(source)
      return
    }
    source.serve(this.#servers)
    this.#gone.delete(source)
    // Until it is whole, the older version stays; from then on either may be there.
    if (source.replaces !== undefined) this.#promised.delete(source.replaces)
    await calls.add(source.request, () => undefined, never)
    this.#promised.add(source)
  }

  async check(session: Session): Promise<void> {
    demand(this.#complaints.length === 0, this.#complaints.join('\n'))
    await this.#checkChunks()
    const { store } = this.#parts(session)
    const records = await store.list()
    for (const record of records) {
      if (record.kind === 'pack' && record.complete) await openWhole(store, record.id, this.#random)
    }
    const byId = new Map(records.map((record) => [record.id, record]))
    for (const { manifest } of this.#promised) {
      const record = byId.get(await packId(manifest))
      demand(record?.kind === 'pack' && record.complete, 'a pack that was reported as kept is not there')
    }
    for (const { manifest } of this.#gone)
      demand(!byId.has(await packId(manifest)), 'a pack that was deleted is there again')
  }

  /** No wrong byte ever lies among the chunks. */
  async #checkChunks(): Promise<void> {
    for (const [sha256, blob] of this.#databases.entries('pictalk-chunks'))
      demand(blob instanceof Blob && (await hashOf(blob)) === sha256, `chunk ${sha256} is another`)
  }

  /** Records, chunks and parts are those of a browser in which nothing was ever cut. */
  async checkEnd(session: Session): Promise<void> {
    const parts = this.#parts(session)
    const { store } = parts
    await store.sweep()
    const wanted = new Map<string, string>()
    for (const { manifest } of this.#promised) wanted.set(await packId(manifest), manifest)
    const records = await store.list()
    demand(records.length === wanted.size, `${records.length} records instead of ${wanted.size}`)
    for (const record of records) {
      demand(record.kind === 'pack' && record.complete, 'what is left behind is no whole pack')
      demand(wanted.get(record.id) === record.manifest, 'another pack is there')
      await openWhole(store, record.id)
    }
    const named = new Set(records.flatMap(hashesOf))
    const there = await store.chunks.keys()
    demand(
      there.every((key) => named.has(key)),
      'a chunk is there that nothing names',
    )
    const left = await store.parts.keys()
    demand(left.length === 0, `${left.length} beginnings of chunks were left behind`)
  }

  #parts(session: Session): KeeperParts {
    const locks = locksInMemory()
    return {
      store: openBrowserStore(this.#databases.tables(session), locks),
      locks,
      channel: channelInMemory<StoreNews>().join(),
      network: this.#servers.network(session, this.#random),
      ...CAPABLE,
    }
  }

  /** A chunk that is kept is not fetched again. */
  #watchServers(session: Session): void {
    const kept = new Set(this.#databases.entries('pictalk-chunks').keys())
    void session.cut.then(() => kept.clear())
    this.#servers.onSend = (bytes) => {
      const sha256 = hashes.get(bytes)
      if (sha256 !== undefined && kept.has(sha256) && this.#databases.entries('pictalk-chunks').has(sha256))
        this.#complaints.push(`chunk ${sha256} was there and was fetched again`)
    }
  }
}

/** Opens a complete pack as the engine does; all of its files, or one of them. */
async function openWhole(store: PackStore, id: string, random?: Random): Promise<void> {
  const pack = await store.open(id)
  const [first, ...others] = pack.manifest.files
  if (first === undefined) return
  const paths = random === undefined ? [first, ...others] : [random.pick([first, ...others])]
  for (const { path } of paths) await pack.file(path)
}

const blobHashes = new WeakMap<Blob, Promise<string | null>>()

/** Null for one that cannot be read. Blobs do not change, so each is read once. */
function hashOf(blob: Blob): Promise<string | null> {
  const known =
    blobHashes.get(blob) ??
    blob.arrayBuffer().then(
      (bytes) => sha256Hex(bytes),
      () => null,
    )
  blobHashes.set(blob, known)
  return known
}

/** Of files that servers send. */
const hashes = new Map<Uint8Array, string>()

type Sources = Record<'pack' | 'newer' | 'other' | 'remote' | 'local', Source>
let made: Promise<Sources> | undefined

function sources(): Promise<Sources> {
  made ??= makeSources()
  return made
}

async function makeSources(): Promise<Sources> {
  const [first, second] = [await smallCheckpoint(1), await smallCheckpoint(2)]
  const pack = await onServer('packs', await converted(first, 'pack'))
  const newer = { ...(await onServer('packs', await converted(second, 'pack'))), replaces: pack }
  // Shares its graphs with the first.
  const other = await onServer('others', await converted(second, 'other'))
  const remote = await onServer(CHECKPOINTS, first, await converted(first, CHECKPOINTS))
  const local: Source = {
    request: { ...remote.request, source: filesOfComputer(second) },
    manifest: manifestIn(await converted(second, 'local')),
    serve: () => undefined,
  }
  return { pack, newer, other, remote, local }
}

async function onServer(host: string, files: Files, pack = files): Promise<Source> {
  for (const [path, bytes] of files)
    if (path !== MANIFEST_PATH && files === pack) hashes.set(bytes, await sha256Hex(bytes))
  return {
    request: requestOf(`https://${host}/`),
    manifest: manifestIn(pack),
    serve: (servers) => servers.hosts.set(host, files),
  }
}

function manifestIn(pack: Files): string {
  const text = new TextDecoder().decode(pack.get(MANIFEST_PATH))
  parseManifest(text)
  return text
}
