/** A checkpoint is converted into a folder on the command line, into one that holds another pack already, and by two at once. */
import { convertInto } from '../../src/cli/convert-into.ts'
import { folderSink, openPackFolder } from '../../src/cli/files.ts'
import type { Computer } from '../../src/cli/folder-lock.ts'
import type { Claimant, Processes } from '../../src/cli/processes.ts'
import { verifyPack } from '../../src/cli/verify.ts'
import { AppError } from '../../src/pack/failure.ts'
import { MANIFEST_PATH, type Precision } from '../../src/pack/manifest.ts'
import type { Random } from '../../src/scenes/random.ts'
import { SimulatedDisk } from './disk.ts'
import type { Session } from './machine.ts'
import { demand, type Scenario, type Work } from './scenario.ts'
import { converted, smallCheckpoint, treeOf, type Files } from './small-models.ts'

const FOLDER = '/packs/new/pack'

interface Source {
  name: string
  checkpoint: Files
  precision: Precision
  pack: Files
}

export const folders: Scenario = {
  name: 'folders',
  prepare: async (random) => {
    const [first, second, half] = await sources()
    const tasks = random.pick([[first], [first, second], [first, first], [first, half], [half, first]])
    return new Converting(random, [...tasks])
  },
}

class Converting implements Work {
  readonly media: readonly [SimulatedDisk]
  readonly #disk = new SimulatedDisk()
  readonly #random: Random
  readonly #left: Source[]
  /** What was reported as done and not begun to be replaced since. */
  #promised: Source | null = null
  #last: Source | null = null
  #pids = 0
  #boots = 0
  #running = new Set<number>()

  constructor(random: Random, tasks: Source[]) {
    this.#random = random
    this.#left = tasks
    this.media = [this.#disk]
  }

  async goOn(session: Session): Promise<void> {
    this.#running.clear()
    // After a power cut it is another run of the machine; a kill is one, too, as far as claims can tell.
    if (this.#random.next() < 0.5) this.#boots += 1
    for (let [source] = this.#left; source !== undefined; [source] = this.#left) {
      // Converting begins with taking the manifest away, of the same pack, too.
      this.#promised = null
      const isDisputed = this.#random.next() < 0.2
      const runs = [this.#convert(session, source), ...(isDisputed ? [this.#convert(session, source)] : [])]
      const ends = await Promise.allSettled(runs)
      const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
      for (const error of refused) if (!(error instanceof AppError && error.code === 'busy')) throw error
      // Of two that come at once both may give way.
      if (refused.length === runs.length) continue
      this.#promised = source
      this.#last = source
      this.#left.shift()
    }
  }

  async #convert(session: Session, { checkpoint, name, precision }: Source): Promise<void> {
    const pid = (this.#pids += 1)
    this.#running.add(pid)
    try {
      const options = { precision, name, signal: NEVER, onProgress: () => undefined } as const
      await convertInto(FOLDER, treeOf(checkpoint), options, this.#computer(session, pid))
    } finally {
      this.#running.delete(pid)
    }
  }

  /** A folder with a manifest is a pack in which every byte is right. */
  async check(session: Session): Promise<void> {
    const disk = this.#disk.of(session)
    const manifest = await folderSink(FOLDER, disk).read(MANIFEST_PATH)
    demand(manifest !== undefined || this.#promised === null, 'the pack that was reported is not there')
    if (manifest === undefined) return
    const damaged = await verifyPack(FOLDER, { disk })
    demand(damaged.length === 0, `it looks whole, and ${damaged[0]?.path ?? ''} is ${damaged[0]?.why ?? ''}`)
    if (this.#promised !== null) await this.#checkSame(session, this.#promised)
  }

  async #checkSame(session: Session, { pack }: Source): Promise<void> {
    const disk = this.#disk.of(session)
    for (const [path, bytes] of pack) {
      const found = await folderSink(FOLDER, disk).read(path)
      demand(found !== undefined && Buffer.compare(found, bytes) === 0, `${path} is another`)
    }
    const reader = await openPackFolder(FOLDER, disk)
    for (const { path } of reader.manifest.files) await reader.file(path)
  }

  /** What a run without cuts leaves: the pack, what the converter remembers, and nothing else. */
  async checkEnd(session: Session): Promise<void> {
    if (this.#last === null) return
    await this.#checkSame(session, this.#last)
    const names = await this.#disk.of(session).readdir(FOLDER)
    const others = names.filter((name) => !this.#last?.pack.has(name) && name !== 'conversion.json')
    demand(others.length === 0, `${others.join(', ')} was left behind`)
  }

  #computer(session: Session, pid: number): Computer {
    const self: Claimant = { pid, started: '1', boot: `b${this.#boots}`, machine: 'a' }
    const processes: Processes = {
      whoAmI: () => session.step(() => self),
      isGone: (claim) => session.step(() => claim.boot !== self.boot || !this.#running.has(claim.pid)),
    }
    return { disk: this.#disk.of(session), processes }
  }
}

const NEVER = new AbortController().signal

let made: Promise<[Source, Source, Source]> | undefined

/** Two of one size, and one whose graphs are called otherwise. */
function sources(): Promise<[Source, Source, Source]> {
  made ??= (async () => {
    const [first, second] = [await smallCheckpoint(1), await smallCheckpoint(2)]
    return [
      await sourceOf('first', first, 'q8'),
      await sourceOf('second', second, 'q8'),
      await sourceOf('half', first, 'fp16'),
    ]
  })()
  return made
}

async function sourceOf(name: string, checkpoint: Files, precision: Precision): Promise<Source> {
  return { name, checkpoint, precision, pack: await converted(checkpoint, name, precision) }
}
