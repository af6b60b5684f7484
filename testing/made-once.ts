import type { PackReader } from '../src/pack/manifest.ts'

/** Every file of a made-up pack is made when it is asked for; here the same are asked for again and again. */
export function madeOnce(pack: PackReader): PackReader {
  const files = new Map<string, ReturnType<PackReader['file']>>()
  return {
    ...pack,
    file(path) {
      const file = files.get(path) ?? pack.file(path)
      files.set(path, file)
      return file
    },
  }
}
