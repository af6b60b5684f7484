/**
 * What is kept leaves the browser: packs into a folder that somebody chose and as ZIP files, conversations as an export.
 * A browser syncs none of these files, so a power cut may leave anything; what is left must be whole or be refused.
 */
import { readDirectory, readEntry } from '../../src/archive/zip-reader.ts'
import { openPackFolder } from '../../src/cli/files.ts'
import { readExport } from '../../src/conversation/exchange.ts'
import { savePack } from '../../src/keeper/save.ts'
import { AppError } from '../../src/pack/failure.ts'
import { MANIFEST_PATH, parseManifest } from '../../src/pack/manifest.ts'
import { openBrowserStore } from '../../src/store/browser-store.ts'
import { locksInMemory } from '../../src/store/locks.ts'
import type { PackStore } from '../../src/store/pack-store.ts'
import { distinctChunks } from '../../src/store/records.ts'
import { tableInMemory } from '../../src/store/table.ts'
import { BROUGHT, exported } from './conversations.ts'
import { SimulatedDisk } from './disk.ts'
import { contentOf, download, folderHandle } from './files.ts'
import type { Cut, Session } from './machine.ts'
import { demand, type Scenario, type Work } from './scenario.ts'
import { converted, smallCheckpoint, type Files } from './small-models.ts'

const FOLDER = '/chosen'
const DOWNLOADS = '/downloads'
const MOST_FILES = 1000

interface Task {
  what: 'folder' | 'zip' | 'export'
  pack: Files
}

export const saving: Scenario = {
  name: 'saving',
  prepare: async (random) => {
    const [first, second] = await packs()
    const folder = (pack: Files): Task => ({ what: 'folder', pack })
    const tasks = random.pick<Task[]>([
      [folder(first)],
      [folder(first), folder(second)],
      [folder(first), folder(first)],
      [
        { what: 'zip', pack: first },
        { what: 'export', pack: first },
      ],
    ])
    return new Saving([...tasks])
  },
}

class Saving implements Work {
  readonly media: readonly [SimulatedDisk, { lose(cut: Cut): void }]
  readonly #disk = new SimulatedDisk()
  #left: Task[]
  #done: Task[] = []
  /** Since the last power cut. */
  readonly #reported = new Map<Task['what'], Files>()
  readonly #begun = new Map<Task['what'], Files>()
  /** Since when the power failed nothing was saved in its place. */
  readonly #spoilt = new Set<Task['what']>()

  constructor(tasks: Task[]) {
    this.#left = tasks
    this.media = [this.#disk, { lose: (cut) => this.#lose(cut) }]
  }

  /** Nothing was synced, so after a power cut nothing is promised: who looks sees that, and saves it again. */
  #lose(cut: Cut): void {
    if (cut === 'kill') return
    this.#reported.clear()
    for (const what of this.#begun.keys()) this.#spoilt.add(what)
    this.#left = [...this.#done, ...this.#left]
    this.#done = []
  }

  async goOn(session: Session): Promise<void> {
    for (let [task] = this.#left; task !== undefined; [task] = this.#left) {
      const { what, pack } = task
      this.#reported.delete(what)
      this.#begun.set(what, pack)
      await this.#save(session, task)
      this.#reported.set(what, pack)
      this.#spoilt.delete(what)
      this.#left.shift()
      this.#done.push(task)
    }
  }

  async #save(session: Session, { what, pack }: Task): Promise<void> {
    const disk = this.#disk.of(session)
    if (what === 'export') return download(disk, await exported(), pathOf(what))
    const options = { signal: NEVER, onBytes: () => undefined }
    const { store, id } = await storeWith(pack)
    if (what === 'folder') {
      await disk.mkdir(FOLDER).catch(() => undefined)
      await savePack(store, id, folderHandle(disk, FOLDER), options)
      return
    }
    const zip = await savePack(store, id, null, options)
    demand(zip !== null, 'there is no ZIP file')
    await download(disk, zip, pathOf(what))
  }

  async check(session: Session): Promise<void> {
    for (const what of this.#begun.keys()) {
      const found = await this.#found(session, what)
      const promised = this.#reported.get(what)
      if (promised !== undefined)
        demand(
          found === promised,
          `what was saved (${what}) is ${typeof found === 'string' ? found : 'another'}`,
        )
      // A kill loses nothing that was written, so there is the whole or no name for it.
      if (!this.#spoilt.has(what)) demand(found !== 'refused', `the ${what} has its name and is not whole`)
    }
  }

  async checkEnd(session: Session): Promise<void> {
    for (const [what, pack] of this.#begun)
      demand((await this.#found(session, what)) === pack, `the ${what} is not there in the end`)
  }

  /** The pack that is found there, whole; or why there is none. Throws when what is accepted is another. */
  async #found(session: Session, what: Task['what']): Promise<Files | 'absent' | 'refused'> {
    const disk = this.#disk.of(session)
    const name = what === 'folder' ? `${FOLDER}/${MANIFEST_PATH}` : pathOf(what)
    const bytes = await contentOf(disk, name)
    // A file that is about to be written in a folder is an empty one first.
    if (bytes === undefined || bytes.length === 0) return 'absent'
    try {
      if (what === 'folder') return await packIn(await filesOfFolder(session, this.#disk))
      const file = new Blob([bytes])
      if (what === 'zip') return await packIn(await filesOfZip(file))
      await checkExport(file)
      return this.#begun.get(what) ?? 'absent'
    } catch (error) {
      if (error instanceof AppError) return 'refused'
      throw error
    }
  }
}

/** All files of a pack in a folder, read as whoever uses it reads them. */
async function filesOfFolder(session: Session, disk: SimulatedDisk): Promise<Files> {
  const own = disk.of(session)
  const pack = await openPackFolder(FOLDER, own)
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const { path } of pack.manifest.files) {
    const read = await pack.file(path)
    files.set(path, read instanceof Blob ? new Uint8Array(await read.arrayBuffer()) : read)
  }
  files.set(MANIFEST_PATH, (await contentOf(own, `${FOLDER}/${MANIFEST_PATH}`)) ?? new Uint8Array())
  return files
}

async function filesOfZip(file: Blob): Promise<Files> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const [name, entry] of await readDirectory(file, MOST_FILES))
    files.set(name, new Uint8Array(await (await readEntry(file, entry)).arrayBuffer()))
  return files
}

/** Which of the packs these files are. */
async function packIn(files: Files): Promise<Files> {
  for (const pack of await packs()) {
    const isSame = [...pack].every(([path, bytes]) => Buffer.compare(files.get(path) ?? NOTHING, bytes) === 0)
    if (isSame && files.size === pack.size) return pack
  }
  return Promise.reject(new Error('What is taken for a pack is none of those that were saved.'))
}

/** An export that is accepted has everything in it. */
async function checkExport(file: Blob): Promise<void> {
  let ids = 0
  const { conversations, pictures } = await readExport(file, () => `id ${(ids += 1)}`)
  demand(conversations.length === BROUGHT && pictures.length === BROUGHT, 'an export lacks something')
  const texts = await Promise.all(pictures.map(({ image }) => image.text()))
  demand(
    new Set(texts).size === BROUGHT && texts.every((text) => /^brought \d$/.test(text)),
    'a picture is another',
  )
}

function pathOf(what: Task['what']): string {
  return `${DOWNLOADS}/${what}.zip`
}

interface Kept {
  store: PackStore
  id: string
}

const stores = new Map<Files, Promise<Kept>>()

/** A browser that keeps this pack. */
function storeWith(pack: Files): Promise<Kept> {
  const known = stores.get(pack) ?? keep(pack)
  stores.set(pack, known)
  return known
}

async function keep(pack: Files): Promise<Kept> {
  const store = openBrowserStore(() => tableInMemory(), locksInMemory())
  const manifest = new TextDecoder().decode(pack.get(MANIFEST_PATH))
  const record = await store.begin(manifest, { address: null, base: null, asked: null, converted: null })
  const shelf = store.shelf(record.id)
  for (const { path, sha256 } of distinctChunks(parseManifest(manifest)))
    await shelf.keep(sha256, pack.get(path) ?? NOTHING)
  await store.complete(record)
  return { store, id: record.id }
}

const NOTHING = new Uint8Array()
const NEVER = new AbortController().signal
let made: Promise<[Files, Files]> | undefined

/** Two of one size, whose files have the same names. */
function packs(): Promise<[Files, Files]> {
  made ??= (async () => [
    await converted(await smallCheckpoint(1), 'first'),
    await converted(await smallCheckpoint(2), 'second'),
  ])()
  return made
}
