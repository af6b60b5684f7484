/** The models that are kept: which there are, which have a newer version, and letting go of one. */
import { AppError } from '../pack/failure.ts'
import type { PackManifest } from '../pack/manifest.ts'
import { languageLicenceOf } from '../pack/licences.ts'
import type { KeptModel, Space } from '../protocol/keeper-calls.ts'
import {
  distinctChunks,
  manifestOf,
  parsePartKey,
  type PlacedChunk,
  type StoreRecord,
} from '../store/records.ts'
import { findModel } from './find.ts'
import { modelLock, shown, sumOfBytes, type KeeperParts } from './keeper-parts.ts'
import { placeOf } from './place.ts'

export async function listKept({
  store,
  space,
}: KeeperParts): Promise<{ models: KeptModel[]; modelBytes: number; space: Space }> {
  const records = await store.list()
  const isUnfinished = (record: StoreRecord): boolean => record.kind === 'pack' && !record.complete
  const begun = records.some(isUnfinished) ? (await store.parts.keys()).map(parsePartKey) : []
  const manifests = records.map(manifestIn)
  const models = await Promise.all(
    records.map(async (record, i) => {
      const manifest = manifests[i] ?? null
      const model = describeKept(record, manifest)
      if (manifest === null || !isUnfinished(record)) return model
      return { ...model, bytes: model.bytes - missingBytes(await store.missing(manifest), begun) }
    }),
  )
  const here = bytesHere(manifests.length > 1 ? await store.chunks.keys() : [], begun)
  return { models, modelBytes: sumOfBytes(models) - sharedBytes(manifests, here), space: await space() }
}

type Part = ReturnType<typeof parsePartKey>

/** What lies here of chunks, by hash: all of those that are present, of others their beginning, in bytes. */
function bytesHere(present: readonly string[], begun: readonly Part[]): ReadonlyMap<string, number> {
  const here = new Map<string, number>()
  for (const { sha256, start, end } of begun) here.set(sha256, (here.get(sha256) ?? 0) + end - start)
  for (const sha256 of present) here.set(sha256, Infinity)
  return here
}

/** What lies here once and is part of several packs, for each beyond the first. */
function sharedBytes(manifests: readonly (PackManifest | null)[], here: ReadonlyMap<string, number>): number {
  const seen = new Set<string>()
  let shared = 0
  for (const manifest of manifests) {
    for (const { sha256, bytes } of manifest === null ? [] : distinctChunks(manifest)) {
      if (seen.has(sha256)) shared += Math.min(bytes, here.get(sha256) ?? 0)
      seen.add(sha256)
    }
  }
  return shared
}

/** Of chunks that have not arrived, what has not even as their beginning. */
function missingBytes(missing: readonly PlacedChunk[], begun: readonly Part[]): number {
  const hashes = new Set(missing.map(({ sha256 }) => sha256))
  const here = begun.filter(({ sha256 }) => hashes.has(sha256))
  return sumOfBytes(missing) - sumOfBytes(here.map(({ start, end }) => ({ bytes: end - start })))
}

function manifestIn(record: StoreRecord): PackManifest | null {
  return record.kind === 'pack' ? manifestOf(record) : null
}

/** A record as the page shows it. One whose manifest is refused by now can at least be seen and deleted. */
export function describeKept(record: StoreRecord, manifest = manifestIn(record)): KeptModel {
  const { id, origin } = record
  const { address, asked, converted, imageSize } = origin
  const common = {
    ...(imageSize !== undefined && { imageSize }),
    ...{ id, address, asked, converted, licence: null, licenceNotice: null, languageLicence: null },
    ...{ place: placeOf(origin), compares: false },
  }
  if (record.kind === 'conversion') {
    const bytes = sumOfBytes(Object.values(record.files))
    return shown({ ...common, name: record.name, precision: converted, bytes, complete: false })
  }
  if (manifest === null)
    return { ...common, name: 'A model that cannot be read', precision: null, bytes: 0, complete: false }
  const { name, precision, licence, licenceNotice = null } = manifest
  const compares = manifest.family === 'blip2-itm'
  const bytes = sumOfBytes(distinctChunks(manifest))
  const { complete } = record
  const terms = { licence, licenceNotice, languageLicence: languageLicenceOf(manifest) }
  return shown({ ...common, ...terms, name, precision, bytes, complete, compares })
}

/**
 * Ids of the kept packs of which there is another version where they came from. Nobody asked for this, so a server that
 * is not there, or wants a token, is no news.
 */
export async function findNewer(
  { store, network }: KeeperParts,
  hub: string,
  signal: AbortSignal,
): Promise<string[]> {
  const outdated: string[] = []
  for (const record of await store.list()) {
    const { asked, converted } = record.origin
    if (record.kind !== 'pack' || !record.complete || asked === null || converted !== null) continue
    const request = {
      source: { kind: 'address', text: asked },
      hub,
      precision: 'q4f16',
      token: null,
    } as const
    const found = await findModel(request, { network, signal }).catch(() => undefined)
    if (found?.what === 'pack' && found.id !== record.id) outdated.push(record.id)
  }
  return outdated
}

/** Deletes a model in all tabs and gives the bytes that became free. Throws `bad-usage` while it is being fetched. */
export async function removeKept({ store, locks, channel }: KeeperParts, id: string): Promise<number> {
  const freed = await locks.ifFree(modelLock(id), () => store.remove(id))
  if (freed === undefined)
    throw new AppError('bad-usage', 'This model is being fetched just now; pause or cancel that first.')
  channel.post({ kind: 'changed' })
  return freed
}
