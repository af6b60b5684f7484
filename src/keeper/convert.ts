/** A checkpoint is converted, by the same code as on the command line, into the store. */
import { convertBlip2 } from '../convert/convert.ts'
import { inspectCheckpoint, type CheckpointReport } from '../convert/inspect.ts'
import type { Precision } from '../pack/manifest.ts'
import { Pace } from '../store/pace.ts'
import { manifestOf, type PackRecord, type StoreRecord } from '../store/records.ts'
import type { FoundCheckpoint } from './find.ts'
import { requireSpace, sumOfBytes, type KeeperParts } from './keeper-parts.ts'
import { delaySentence, type Delays, type WorkOptions } from './progress.ts'

/** Converts the checkpoint and gives the id under which the pack is kept. What is written stays, however it ends. */
export async function convertCheckpoint(
  parts: KeeperParts,
  found: FoundCheckpoint,
  { precision, delays, report, signal }: WorkOptions & { precision: Precision; delays: Delays },
): Promise<string> {
  const { store, channel } = parts
  const { tree, id, name, origin } = found
  const finished = (await store.list()).find((record) => isMadeOf(record, found, precision))
  if (finished !== undefined) return finished.id
  const inspected = await inspectCheckpoint(tree, precision, signal)
  const former = await store.get(id)
  const there = former?.kind === 'conversion' ? sumOfBytes(Object.values(former.files)) : 0
  await requireSpace(parts, Math.max(0, inspected.keepBytes - there))
  const meter = new ConversionMeter(name, inspected, { parts, delays, report })
  const sink = await store.sink(id, origin, name)
  channel.post({ kind: 'changed' })
  const manifest = await convertBlip2(tree, sink, {
    name,
    precision,
    signal,
    // What a former run did says nothing about speed.
    onProgress: ({ file, tensor, doneBytes }) => meter.note(file, doneBytes, { again: tensor === null }),
  })
  const kept = (await store.list()).filter((record): record is PackRecord => record.kind === 'pack')
  return kept.find((pack) => manifestOf(pack)?.fingerprint === manifest.fingerprint)?.id ?? id
}

/** Whether a record is the whole pack that this checkpoint was converted to before. */
function isMadeOf(record: StoreRecord, { origin }: FoundCheckpoint, precision: Precision): boolean {
  if (record.kind !== 'pack' || !record.complete || origin.address === null) return false
  return record.origin.address === origin.address && record.origin.converted === precision
}

/** Adds up what was read of each weights file. */
class ConversionMeter {
  readonly #name: string
  readonly #inspected: CheckpointReport
  readonly #pace: Pace
  readonly #delays: Delays
  readonly #report: WorkOptions['report']
  /** Bytes read, by weights file. */
  readonly #done = new Map<string, number>()

  constructor(
    name: string,
    inspected: CheckpointReport,
    { parts, delays, report }: { parts: KeeperParts; delays: Delays; report: WorkOptions['report'] },
  ) {
    this.#name = name
    this.#inspected = inspected
    this.#pace = new Pace(() => parts.network.now())
    this.#delays = delays
    this.#report = report
    delays.listen(() => this.#tell())
  }

  note(file: string, doneBytes: number, { again }: { again: boolean }): void {
    this.#done.set(file, doneBytes)
    if (again) this.#pace.restart()
    this.#tell()
  }

  #tell(): void {
    const { fetchBytes, parts } = this.#inspected
    const doneBytes = [...this.#done.values()].reduce((total, bytes) => total + bytes, 0)
    this.#pace.note(doneBytes)
    const { now } = this.#delays
    this.#report({
      doing: 'converting',
      name: this.#name,
      doneBytes,
      totalBytes: fetchBytes,
      bytesPerSecond: this.#pace.bytesPerSecond(),
      secondsLeft: this.#pace.secondsLeft(fetchBytes - doneBytes),
      parts: parts.map(({ path, bytes }) => ({
        path,
        doneBytes: this.#done.get(path) ?? 0,
        totalBytes: bytes,
      })),
      waiting: now && delaySentence(now),
      elsewhere: false,
    })
  }
}
