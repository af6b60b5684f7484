/** A pack is fetched: small files first, then weights. */
import { parseManifest, chunksOf } from '../pack/manifest.ts'
import { AppError } from '../pack/failure.ts'
import { printable } from '../pack/printable.ts'
import { downloadPack } from '../store/download.ts'
import { checkFileSizes, checkSmallFiles } from './check-pack.ts'
import type { FoundPack } from './find.ts'
import { requireSpace, sumOfBytes, type KeeperParts } from './keeper-parts.ts'
import { fetchDelay, type WorkOptions } from './progress.ts'

/** Fetches what is missing of the pack and gives the id under which it is kept. What has arrived stays, however it ends. */
export async function fetchPack(
  parts: KeeperParts,
  { manifestText, origin, source }: FoundPack,
  { report, signal }: WorkOptions,
): Promise<string> {
  const { store, network, channel } = parts
  const manifest = parseManifest(manifestText)
  checkFileSizes(manifest)
  await requireSpace(parts, sumOfBytes(await store.missing(manifest)))
  const record = await store.begin(manifestText, origin)
  if (record.complete) return record.id
  channel.post({ kind: 'changed' })
  const read = async (file: Parameters<typeof chunksOf>[0]): Promise<Uint8Array> => {
    const blobs = await Promise.all(chunksOf(file).map(({ sha256 }) => store.chunks.get(sha256)))
    if (blobs.includes(undefined)) throw new AppError('not-found', `${file.path} went missing; start again.`)
    return new Uint8Array(await new Blob(blobs.filter((blob) => blob !== undefined)).arrayBuffer())
  }
  const name = printable(manifest.name)
  await downloadPack(store, record, source, {
    network,
    signal,
    checkSmallFiles: () => checkSmallFiles(manifest, read),
    onProgress: ({ delay, ...progress }) =>
      report({
        ...progress,
        doing: 'fetching',
        name,
        delay: fetchDelay(delay),
        elsewhere: false,
      }),
  })
  return record.id
}
