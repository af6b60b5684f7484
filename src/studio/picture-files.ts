/** Which files of people's folders are pictures, what systems leave beside them, and how people sort. */

/** What systems leave in folders unseen. */
const LEFTOVERS = /^(\.|Thumbs\.db$|desktop\.ini$|ehthumbs|Icon\r$)/i
const LEFTOVER_FOLDERS = /(^|\/)(__MACOSX|@eaDir|\.[^/]+)\//
/** Endings of pictures, of those that cannot be read as well: of them it is said why. */
const PICTURES =
  /\.(jpe?g|jpe|jfif|mpo|png|apng|gif|webp|bmp|dib|ico|avif|avifs|hei[cf]|tiff?|svgz?|jxl|jp2|j2k|jpx|psd|dng|nef|cr[23]|arw|orf|rw2|raf|tga|qoi|exr|hdr|p[bgnp]m)$/i

/** Those that can be read here. */
const READABLE = /\.(jpe?g|jpe|jfif|mpo|png|apng|gif|webp|bmp|dib|ico|avifs?)$/i

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

export function isLeftover(path: string): boolean {
  return LEFTOVERS.test(nameOf(path)) || LEFTOVER_FOLDERS.test(path)
}

/** By its ending alone; what a system knows of a file's type is for the caller to ask. */
export function isPictureName(path: string): boolean {
  return PICTURES.test(path)
}

/** Whether such pictures can be captioned, as far as an ending tells. */
export function isReadableName(path: string): boolean {
  return READABLE.test(path)
}

/**
 * As people sort, `img2` before `img10`, and folder by folder, so that `a/z` does not come between `a b` and `a c`. Names
 * that are the same to people (`A` and `a`, `2` and `02`) have an order, too; only equal paths have none.
 */
export function comparePaths(one: string, other: string): number {
  const [these, those] = [one.split('/'), other.split('/')]
  const differs = these.findIndex((name, i) => name !== those[i])
  if (differs < 0) return these.length - those.length
  const [name = '', beside = ''] = [these[differs], those[differs]]
  return collator.compare(name, beside) || (name < beside ? -1 : 1)
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** A path without the ending of its name: `a.b/photo.tar.jpg` is `a.b/photo.tar`. */
export function stemOf(path: string): string {
  const name = nameOf(path)
  const dot = name.lastIndexOf('.')
  return dot <= 0 ? path : path.slice(0, path.length - name.length + dot)
}
