/**
 * What sidecars of a folder are called. `photo.jpg` has `photo.txt`, as every trainer wants it; where a `photo.png` lies
 * beside it, that one has `photo.png.txt`, so that neither caption takes the place of the other.
 */
import { isReadableName, stemOf } from './picture-files.ts'

export interface SidecarNames {
  /**
   * What a picture's sidecars may be called before their ending, the wanted name first; empty where both names are those
   * of other pictures.
   */
  of(path: string, wanted?: 'stem' | 'whole'): string[]
  /** The picture that has the name without an ending. */
  ownerOf(path: string): string
  /** Pictures that have to do without it. */
  twins: number
}

/** By the pictures of the whole folder, in its order: the first that can be read here has the name without an ending. */
export function sidecarNames(paths: readonly string[]): SidecarNames {
  const owners = new Map<string, string>()
  for (const path of paths) {
    const stem = stemOf(path)
    const owner = owners.get(stem)
    if (owner === undefined || (isReadableName(path) && !isReadableName(owner))) owners.set(stem, path)
  }
  const ownerOf = (path: string): string => owners.get(stemOf(path)) ?? path
  return {
    of(path, wanted = 'stem') {
      const stem = ownerOf(path) === path ? [stemOf(path)] : []
      // `photo.jpg.png` has `photo.jpg.txt`.
      const whole = owners.has(path) ? [] : [path]
      return wanted === 'stem' ? [...stem, ...whole] : [...whole, ...stem]
    },
    ownerOf,
    twins: paths.length - owners.size,
  }
}
