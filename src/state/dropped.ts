/** What was dropped: a model, or pictures, which are picked out of what lies beside them in people's folders. */
import { comparePaths, isLeftover, isPictureName } from '../studio/picture-files.ts'

export interface DroppedFile {
  /** With the folders that it lay in, from the one that was dropped on. */
  path: string
  file: File
}

export type Dropped =
  | { kind: 'model' }
  /** As people sort: `img2` before `img10`. */
  | { kind: 'pictures'; pictures: DroppedFile[]; leftAside: number }

const DESCRIPTIONS = /(^|\/)(pack|config)\.json$/
const WEIGHTS = /\.(safetensors|weights|bin|pth?|ckpt|gguf|onnx|h5|msgpack)$/i

export function sortDropped(files: readonly DroppedFile[]): Dropped {
  if (isModel(files)) return { kind: 'model' }
  const pictures = files.filter(
    (dropped) => !isLeftover(dropped.path) && (!isInFolder(dropped) || isPicture(dropped)),
  )
  const order = files.some(isInFolder) ? pictures.toSorted((a, b) => comparePaths(a.path, b.path)) : pictures
  return { kind: 'pictures', pictures: order, leftAside: files.length - pictures.length }
}

/** People keep a `config.json` beside their pictures; only weights, or no pictures at all, make a model of it. */
function isModel(files: readonly DroppedFile[]): boolean {
  const has = (pattern: RegExp): boolean => files.some(({ path }) => pattern.test(path))
  if (has(/\.safetensors$/i)) return true
  return has(DESCRIPTIONS) && (has(WEIGHTS) || !files.some(isPicture))
}

/** What was dropped by itself was meant: if it is no picture, that is said. In folders all sorts of things lie about. */
function isInFolder({ path }: DroppedFile): boolean {
  return path.includes('/')
}

function isPicture(dropped: DroppedFile): boolean {
  if (isLeftover(dropped.path)) return false
  return dropped.file.type.startsWith('image/') || isPictureName(dropped.path)
}
