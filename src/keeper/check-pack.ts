/**
 * What can be wrong with a pack whose manifest is in order: found out from its small files, before gigabytes of weights
 * are fetched for nothing.
 */
import { readExternalData } from '../convert/onnx/external-data.ts'
import { AppError } from '../pack/failure.ts'
import { widenedPath, type PackFile, type PackManifest } from '../pack/manifest.ts'
import { bytesText } from './keeper-parts.ts'

/** Graphs name their weights and do not hold them: those of the largest published model have a few megabytes. */
const LARGEST_GRAPH_BYTES = 64 * 2 ** 20

/** Throws `bad-pack` for graphs and texts of a size that no such file has. */
export function checkFileSizes({ files }: PackManifest): void {
  for (const { path, bytes } of files.filter(isSmall))
    if (bytes > LARGEST_GRAPH_BYTES)
      refuse(`${path} has ${bytesText(bytes)}, which is more than any such file needs`)
}

/** Reads graphs and texts of a pack whose bytes are as promised. Throws `bad-pack` for what cannot be used. */
export async function checkSmallFiles(
  { files }: PackManifest,
  read: (file: PackFile) => Promise<Uint8Array>,
): Promise<void> {
  const sizes = new Map(
    files.flatMap(({ path, bytes }) => [[path, bytes] as const, [widenedPath(path), 2 * bytes]]),
  )
  for (const file of files) {
    if (file.path.endsWith('.onnx')) checkGraph(file.path, await read(file), sizes)
    else if (file.path.endsWith('.json')) checkText(file.path, await read(file))
  }
}

function isSmall({ path }: PackFile): boolean {
  return /\.(onnx|json)$/.test(path)
}

function checkGraph(path: string, bytes: Uint8Array, sizes: ReadonlyMap<string, number>): void {
  const weights = readExternalData(bytes)
  if (weights === null) refuse(`${path} is no ONNX graph`)
  for (const { location, end } of weights) {
    const there = sizes.get(location)
    if (there === undefined) refuse(`${path} wants weights of ${location}, which is no part of it`)
    if (end > there) refuse(`${path} wants more of ${location} than there is`)
  }
}

function checkText(path: string, bytes: Uint8Array): void {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    refuse(`${path} is not valid JSON`)
  }
}

function refuse(why: string): never {
  throw new AppError('bad-pack', `This pack cannot be used: ${why}; ask whoever offers it.`)
}
