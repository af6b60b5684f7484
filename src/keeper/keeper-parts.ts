/** What looking after models takes, handed in: browser implementations in the worker, others in tests. */
import type { Provider } from '../pack/device-report.ts'
import { AppError } from '../pack/failure.ts'
import { printable } from '../pack/printable.ts'
import type { StoreNews } from '../protocol/keeper-calls.ts'
import type { Network } from '../remote/network.ts'
import type { SpaceEstimate } from '../store/browser-store.ts'
import type { Channel } from '../store/channel.ts'
import type { StorageProblem } from '../store/indexed-db.ts'
import type { Locks } from '../store/locks.ts'
import type { PackStore } from '../store/pack-store.ts'
import type { DeviceFacts } from './device-findings.ts'

export interface KeeperParts {
  store: PackStore
  locks: Locks
  /** What a tab tells the others. */
  channel: Channel<StoreNews>
  network: Network
  /** What a model would run on; see `readDevice`. */
  device: (prefer: Provider | null) => Promise<DeviceFacts>
  space: () => Promise<SpaceEstimate>
  /** Why nothing outlives the page; null when it does. */
  storageProblem: () => Promise<StorageProblem | null>
}

/** Held by whoever fetches, converts or deletes a model, in whichever tab. */
export function modelLock(id: string): string {
  return `pictalk-pack:${id}`
}

/**
 * Throws `no-space` where the browser keeps nothing. A model lies in the store, from which another thread reads it; it is
 * too large to be fetched again at each visit.
 */
export async function requireStorage({ storageProblem }: KeeperParts): Promise<void> {
  const problem = await storageProblem()
  if (problem === null) return
  const why =
    problem === 'absent'
      ? 'has no storage for pages'
      : 'lets this page keep nothing (a private window, or site data is blocked)'
  throw new AppError(
    'no-space',
    `This browser ${why}, so no model can be added; allow this page to keep data, or use another browser. The built-in model works all the same.`,
  )
}

/** Throws `no-space` when `bytes` more will not fit, as far as the browser tells. */
export async function requireSpace({ space }: KeeperParts, bytes: number): Promise<void> {
  const { freeBytes } = await space()
  if (freeBytes === null || freeBytes >= bytes) return
  throw new AppError(
    'no-space',
    `This model needs ${bytesText(bytes)} more and the browser allows ${bytesText(freeBytes)}; delete another model or free disk space. A private window allows little.`,
  )
}

export function bytesText(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

export function sumOfBytes(items: readonly { bytes: number }[]): number {
  return items.reduce((total, { bytes }) => total + bytes, 0)
}

/** What others have written, made fit to be shown. */
export function shown<T extends { name: string; licence: string | null; licenceNotice: string | null }>(
  terms: T,
): T {
  const { name, licence, licenceNotice } = terms
  return {
    ...terms,
    name: printable(name),
    licence: licence && printable(licence),
    licenceNotice: licenceNotice && printable(licenceNotice),
  }
}
