/** A checkpoint is converted, by the same code as on the command line, into the store. */
import { openForConversion, writePack, type ConvertProgress } from '../convert/convert.ts'
import type { PackSink } from '../pack/bytes.ts'
import { printable } from '../pack/printable.ts'
import type { AddRequest } from '../protocol/keeper-calls.ts'
import { Pace } from '../store/pace.ts'
import { isMadeAlike, manifestOf, type PackRecord, type StoreRecord } from '../store/records.ts'
import type { FoundCheckpoint } from './find.ts'
import { requireSpace, sumOfBytes, type KeeperParts } from './keeper-parts.ts'
import { fetchDelay, type Delays, type WorkOptions } from './progress.ts'

/** What a checkpoint becomes: see `AddRequest`. */
type Made = Pick<AddRequest, 'precision' | 'imageSize'>

/** Converts the checkpoint and gives the id under which the pack is kept. What is written stays, however it ends. */
export async function convertIntoStore(
  parts: KeeperParts,
  found: FoundCheckpoint,
  { made, delays, report, signal }: WorkOptions & { made: Made; delays: Delays },
): Promise<string> {
  const { store, channel } = parts
  const { tree, id, name, origin } = found
  const { precision, imageSize } = made
  const finished = (await store.list()).find((record) => isMadeOf(record, found))
  if (finished !== undefined) return finished.id
  const meter = new ConversionMeter(name, { parts, delays, report })
  const onProgress = (progress: ConvertProgress): void => meter.note(progress)
  const opened = await openForConversion(tree, precision, { choices: { imageSize }, onProgress, signal })
  const former = await store.get(id)
  const there = former?.kind === 'conversion' ? sumOfBytes(Object.values(former.files)) : 0
  await requireSpace(parts, Math.max(0, opened.cost.keepBytes - there))
  const sink = announced(await store.sink(id, origin, name), () => channel.post({ kind: 'changed' }))
  const manifest = await writePack(opened, sink, { name, onProgress, signal })
  const kept = (await store.list()).filter((record): record is PackRecord => record.kind === 'pack')
  return kept.find((pack) => manifestOf(pack)?.fingerprint === manifest.fingerprint)?.id ?? id
}

/** Tells the other tabs once there is something to be seen: there is no record before the first file. */
function announced(sink: PackSink, tell: () => void): PackSink {
  let told = false
  return {
    ...sink,
    write: async (path, bytes, sha256) => {
      await sink.write(path, bytes, sha256)
      if (!told) tell()
      told = true
    },
  }
}

/** Whether a record is the whole pack that this checkpoint was converted to before. */
function isMadeOf(record: StoreRecord, { origin }: FoundCheckpoint): boolean {
  if (record.kind !== 'pack' || !record.complete || origin.address === null) return false
  return record.origin.address === origin.address && isMadeAlike(record.origin, origin)
}

/** Says how far a conversion is, and how fast. */
class ConversionMeter {
  readonly #name: string
  readonly #pace: Pace
  readonly #delays: Delays
  readonly #report: WorkOptions['report']
  #last: ConvertProgress | null = null

  constructor(
    name: string,
    { parts, delays, report }: { parts: KeeperParts; delays: Delays; report: WorkOptions['report'] },
  ) {
    this.#name = printable(name)
    this.#pace = new Pace(() => parts.network.now())
    this.#delays = delays
    this.#report = report
    delays.listen(() => this.#tell())
  }

  note(progress: ConvertProgress): void {
    this.#last = progress
    // What a former run did says nothing about speed.
    if (progress.tensor === null) this.#pace.restart()
    this.#tell()
  }

  #tell(): void {
    const { doneBytes, totalBytes, parts } = this.#last ?? { doneBytes: 0, totalBytes: 0, parts: [] }
    this.#pace.note(doneBytes)
    this.#report({
      doing: 'converting',
      name: this.#name,
      doneBytes,
      totalBytes,
      bytesPerSecond: this.#pace.bytesPerSecond(),
      secondsLeft: this.#pace.secondsLeft(totalBytes - doneBytes),
      parts,
      delay: fetchDelay(this.#delays.now),
      elsewhere: false,
    })
  }
}
