/**
 * Every chunk of a pack against its hash, and every graph against the manifest. Unlike opening a pack, this goes on after
 * the first bad one.
 */
import { graphProblem } from '../convert/graph-check.ts'
import { concatenated, sha256Hex } from '../pack/bytes.ts'
import { throwIfCancelled } from '../pack/failure.ts'
import { chunksOf, type PackFile } from '../pack/manifest.ts'
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
  const total = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
  const files = folderSink(folder, disk)
  const damaged: Damage[] = []
  const graphs = new Map<string, Uint8Array[]>()
  let done = 0
  for (const file of manifest.files) {
    for (const { path, bytes, sha256 } of chunksOf(file)) {
      throwIfCancelled(signal)
      const found = await files.read(path)
      if (found === undefined) damaged.push({ path, why: 'missing' })
      else if (found.length !== bytes)
        damaged.push({ path, why: `${found.length} bytes instead of ${bytes}` })
      else if ((await sha256Hex(found)) !== sha256)
        damaged.push({ path, why: 'its bytes have another SHA-256' })
      else if (isGraph(file)) graphs.set(file.path, [...(graphs.get(file.path) ?? []), found])
      done += bytes
      onProgress?.(path, done, total)
    }
  }
  if (damaged.length > 0) return damaged
  for (const { path } of manifest.files.filter(isGraph)) {
    throwIfCancelled(signal)
    const why = graphProblem(manifest, path, concatenated(graphs.get(path) ?? []))
    if (why !== null) damaged.push({ path, why })
  }
  return damaged
}

function isGraph({ path }: PackFile): boolean {
  return path.endsWith('.onnx')
}
