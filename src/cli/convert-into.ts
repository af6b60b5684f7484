/** A checkpoint becomes a pack in a folder that nobody else writes into, and is done once its bytes were read back. */
import { convertCheckpoint } from '../convert/convert.ts'
import type { Choices } from '../convert/families/family.ts'
import type { FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { MANIFEST_PATH, type PackManifest, type Precision } from '../pack/manifest.ts'
import { folderSink } from './files.ts'
import { owningFolder, THIS_COMPUTER } from './folder-lock.ts'
import { verifyPack } from './verify.ts'

export interface ConvertIntoOptions {
  precision: Precision
  name: string
  choices?: Choices
  signal: AbortSignal
  onProgress: (what: string, doneBytes: number, totalBytes: number) => void
}

/**
 * Throws what converting throws, `busy` when another process writes into `folder`, and `corrupt` when what lies there
 * in the end is not what was written; then there is no manifest, and converting again repairs it.
 */
export async function convertInto(
  folder: string,
  tree: FileTree,
  { precision, name, choices, signal, onProgress }: ConvertIntoOptions,
  computer = THIS_COMPUTER,
): Promise<PackManifest> {
  const { disk } = computer
  const sink = folderSink(folder, disk)
  if (await sink.read('config.json')) {
    throw new AppError(
      'bad-usage',
      `There is a checkpoint in ${folder}, of which a pack would overwrite files; choose another folder.`,
    )
  }
  return owningFolder(
    folder,
    async () => {
      const manifest = await convertCheckpoint(tree, sink, {
        precision,
        name,
        choices,
        signal,
        onProgress: ({ file, tensor, doneBytes, totalBytes }) =>
          onProgress(`${file ?? 'comparing'} ${tensor ?? ''}`, doneBytes, totalBytes),
      })
      const damaged = await verifyPack(folder, {
        signal,
        disk,
        onProgress: (path, done, total) => onProgress(`reading back ${path}`, done, total),
      })
      const [first] = damaged
      if (first === undefined) return manifest
      await sink.remove(MANIFEST_PATH)
      throw new AppError(
        'corrupt',
        `${first.path} did not stay as it was written (${first.why}); check the disk and convert again, which goes on from here.`,
      )
    },
    computer,
  )
}
