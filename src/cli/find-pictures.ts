/** The pictures of a folder, by their names, as people sort them. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { comparePaths, isLeftover, isPictureName } from '../studio/picture-files.ts'
import { failOf } from './system-errors.ts'

export interface FoundPictures {
  /** Below the folder, with `/`. */
  paths: string[]
  /** Files that are no pictures: sidecars, and what systems leave. */
  leftAside: number
}

/** Links to files are followed, links to folders are not: they may lead back. Throws what `failOf` says. */
export async function findPictures(
  folder: string,
  { recursive }: { recursive: boolean },
): Promise<FoundPictures> {
  const found: FoundPictures = { paths: [], leftAside: 0 }
  const folders = ['']
  for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
    const here = join(folder, below)
    const entries = await readdir(here, { withFileTypes: true }).catch((cause: unknown) =>
      failOf(cause, here, 'read'),
    )
    for (const entry of entries) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory()) {
        if (recursive && !isLeftover(`${path}/x`)) folders.push(path)
        continue
      }
      const isFile = entry.isFile() || (entry.isSymbolicLink() && (await leadsToFile(join(folder, path))))
      if (isFile && isPictureName(path) && !isLeftover(path)) found.paths.push(path)
      else found.leftAside += 1
    }
  }
  found.paths.sort(comparePaths)
  return found
}

async function leadsToFile(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  )
}
