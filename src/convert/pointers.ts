/**
 * Git keeps large files elsewhere and puts a few lines in their place. A clone that did not fetch them has the lines
 * under the name of the weights, the tokenizer or even the configuration.
 * Formats: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md (at most 1024 bytes), and git-xet's pointers.
 */
import type { ByteSource, FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'

const MAX_POINTER_BYTES = 1024
const POINTER =
  /^\uFEFF?(version https:\/\/(git-lfs\.github\.com\/spec|hawser\.github\.com\/spec)\/|# xet version )/

/**
 * The same tree, in which a pointer is refused as what it is. Small files are read when they are opened, once. Throws
 * `bad-checkpoint` when one is opened.
 */
export function withoutPointers(tree: FileTree): FileTree {
  return {
    ...tree,
    open: async (path) => {
      const source = await tree.open(path)
      if (source === undefined || source.byteLength > MAX_POINTER_BYTES) return source
      const bytes = await source.slice(0, source.byteLength)
      if (POINTER.test(new TextDecoder('latin1').decode(bytes))) throw isPointer(path)
      return inMemory(bytes, source)
    },
  }
}

function isPointer(path: string): AppError {
  return new AppError(
    'bad-checkpoint',
    `${path} is only a pointer of Git LFS, not the file itself; run "git lfs pull" in that clone, or download the file.`,
  )
}

function inMemory(bytes: ArrayBuffer, { version }: ByteSource): ByteSource {
  return {
    byteLength: bytes.byteLength,
    slice: (start, end) => bytes.slice(start, end),
    ...(version !== undefined && { version }),
  }
}
