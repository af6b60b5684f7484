/**
 * Every chunk of a pack against its hash, and every graph against the manifest. Unlike opening a pack, this goes on after
 * the first bad one.
 */
import { graphProblem } from '../convert/graph-check.ts'
import { sha256Hex } from '../pack/bytes.ts'
import { throwIfCancelled } from '../pack/failure.ts'
import { chunksOf } from '../pack/manifest.ts'
import { nodeDisk, type Disk } from './disk.ts'
import { folderSink, openPackFolder } from './files.ts'

export interface Damage {
  path: string
  why: string
}

export interface VerifyOptions {
  signal?: AbortSignal
  disk?: Disk
  onProgress?: (path: string, doneBytes: number, totalBytes: number) => void
}

/** The chunks that are missing or differ, and graphs that are not what the manifest says; none for a good pack. Throws when there is no manifest to compare with. */
export async function verifyPack(
  folder: string,
  { signal, onProgress, disk = nodeDisk }: VerifyOptions = {},
): Promise<Damage[]> {
  const { manifest } = await openPackFolder(folder, disk)
  const chunks = manifest.files.flatMap(chunksOf)
  const total = chunks.reduce((sum, { bytes }) => sum + bytes, 0)
  const files = folderSink(folder, disk)
  const damaged: Damage[] = []
  let done = 0
  for (const { path, bytes, sha256 } of chunks) {
    throwIfCancelled(signal)
    const found = await files.read(path)
    if (found === undefined) damaged.push({ path, why: 'missing' })
    else if (found.length !== bytes) damaged.push({ path, why: `${found.length} bytes instead of ${bytes}` })
    else if ((await sha256Hex(found)) !== sha256)
      damaged.push({ path, why: 'its bytes have another SHA-256' })
    done += bytes
    onProgress?.(path, done, total)
  }
  if (damaged.length > 0) return damaged
  const graphs = manifest.files.filter(({ path }) => path.endsWith('.onnx'))
  for (const file of graphs) {
    throwIfCancelled(signal)
    const parts = await Promise.all(chunksOf(file).map(({ path }) => files.read(path)))
    const bytes = await new Blob(parts.filter((part) => part !== undefined)).arrayBuffer()
    const why = graphProblem(manifest, file.path, new Uint8Array(bytes))
    if (why !== null) damaged.push({ path: file.path, why })
  }
  return damaged
}
