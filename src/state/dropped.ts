/** What was dropped: a model, or pictures, which are picked out of what lies beside them in people's folders. */
export interface DroppedFile {
  /** With the folders that it lay in, from the one that was dropped on. */
  path: string
  file: File
}

export type Dropped =
  | { kind: 'model' }
  /** As people sort: `img2` before `img10`. */
  | { kind: 'pictures'; pictures: DroppedFile[]; leftAside: number }

/** What systems leave in folders unseen. */
const LEFTOVERS = /^(\.|Thumbs\.db$|desktop\.ini$|ehthumbs|Icon\r$)/i
const LEFTOVER_FOLDERS = /(^|\/)(__MACOSX|@eaDir|\.[^/]+)\//
/** Endings of pictures, of those that cannot be read as well: of them it is said why. */
const PICTURES =
  /\.(jpe?g|jpe|jfif|mpo|png|apng|gif|webp|bmp|dib|ico|avif|avifs|hei[cf]|tiff?|svgz?|jxl|jp2|j2k|jpx|psd|dng|nef|cr[23]|arw|orf|rw2|raf|tga|qoi|exr|hdr|p[bgnp]m)$/i
const DESCRIPTIONS = /(^|\/)(pack|config)\.json$/
const WEIGHTS = /\.(safetensors|weights|bin|pth?|ckpt|gguf|onnx|h5|msgpack)$/i

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

export function sortDropped(files: readonly DroppedFile[]): Dropped {
  if (isModel(files)) return { kind: 'model' }
  const pictures = files.filter(
    (dropped) => !isLeftover(dropped) && (!isInFolder(dropped) || isPicture(dropped)),
  )
  const order = files.some(isInFolder) ? byPath(pictures) : pictures
  return { kind: 'pictures', pictures: order, leftAside: files.length - pictures.length }
}

/** People keep a `config.json` beside their pictures; only weights, or no pictures at all, make a model of it. */
function isModel(files: readonly DroppedFile[]): boolean {
  const has = (pattern: RegExp): boolean => files.some(({ path }) => pattern.test(path))
  if (has(/\.safetensors$/i)) return true
  return has(DESCRIPTIONS) && (has(WEIGHTS) || !files.some(isPicture))
}

function isLeftover({ path }: DroppedFile): boolean {
  return LEFTOVERS.test(nameOf(path)) || LEFTOVER_FOLDERS.test(path)
}

/** What was dropped by itself was meant: if it is no picture, that is said. In folders all sorts of things lie about. */
function isInFolder({ path }: DroppedFile): boolean {
  return path.includes('/')
}

function isPicture(dropped: DroppedFile): boolean {
  if (isLeftover(dropped)) return false
  return dropped.file.type.startsWith('image/') || PICTURES.test(dropped.path)
}

/** Folder by folder, so that `a/z` does not come between `a b` and `a c`. */
function byPath(pictures: readonly DroppedFile[]): DroppedFile[] {
  return pictures.toSorted((one, other) => {
    const [these, those] = [one.path.split('/'), other.path.split('/')]
    const differs = these.findIndex((name, i) => name !== those[i])
    return differs < 0 ? 0 : collator.compare(these[differs] ?? '', those[differs] ?? '')
  })
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
