/**
 * What can be wrong with a pack whose manifest is in order: found out from its small files, before gigabytes of weights
 * are fetched for nothing.
 */
import { graphProblem } from '../convert/graph-check.ts'
import { AppError } from '../pack/failure.ts'
import type { PackFile, PackManifest } from '../pack/manifest.ts'
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
  manifest: PackManifest,
  read: (file: PackFile) => Promise<Uint8Array>,
): Promise<void> {
  for (const file of manifest.files.filter(isSmall)) {
    const bytes = await read(file)
    const problem = file.path.endsWith('.onnx')
      ? graphProblem(manifest, file.path, bytes)
      : textProblem(bytes)
    if (problem !== null) refuse(`${file.path} ${problem}`)
  }
}

function isSmall({ path }: PackFile): boolean {
  return /\.(onnx|json)$/.test(path)
}

function textProblem(bytes: Uint8Array): string | null {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return null
  } catch {
    return 'is not valid JSON'
  }
}

function refuse(why: string): never {
  throw new AppError('bad-pack', `This pack cannot be used: ${why}; ask whoever offers it.`)
}
