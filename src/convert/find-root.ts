/**
 * Where in a folder the model lies. People name what they have: the folder of a training with `checkpoint-500` in it, or
 * the cache of the hub, `models--owner--name/snapshots/<hash>`.
 */
import { readText, type FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { isLavisFile, isTorchFileName } from './lavis/open-lavis.ts'
import { MANIFEST_PATH } from '../pack/manifest.ts'

/** What makes a folder with a `config.json` a checkpoint rather than something that a checkpoint uses. */
const WEIGHTS = /\.(safetensors|bin|pth?|gguf|h5|msgpack)(\.index\.json)?$/

const NAMED_AT_MOST = 4

/** Whether a file is one of weights, readable here or not. */
export function isWeights(path: string): boolean {
  return WEIGHTS.test(path)
}

/** A pack before a checkpoint: what is converted already need not be converted. */
const PACK_OR_CHECKPOINT = [MANIFEST_PATH, 'config.json']

/**
 * The folder, ending in `/` or empty, that has the first of `markers` that is there: the outermost, and of the snapshots
 * in a cache the one that its `refs` name. Null where there is none, or a place cannot list its files. Throws `bad-usage`
 * where several lie side by side.
 */
export async function findRoot(
  tree: FileTree,
  markers: readonly string[] = PACK_OR_CHECKPOINT,
): Promise<string | null> {
  const paths = (await tree.list?.()) ?? []
  const lavis = await lavisRoot(tree, paths)
  if (lavis !== undefined && !markers.some((marker) => liesIn(lavis, marker, paths))) return lavis
  for (const marker of markers) {
    const roots = paths
      .filter((path) => path === marker || path.endsWith(`/${marker}`))
      .map((path) => path.slice(0, path.length - marker.length))
    const weighty = roots.filter((root) =>
      paths.some((path) => path.startsWith(root) && isWeights(path.slice(root.length))),
    )
    const candidates = marker === MANIFEST_PATH || weighty.length === 0 ? roots : weighty
    if (candidates.length > 0) return choose(candidates, tree, paths)
  }
  return null
}

/** The outermost folder with a file of LAVIS, whose language model lies in a folder below. */
async function lavisRoot(tree: FileTree, paths: readonly string[]): Promise<string | undefined> {
  const files = paths.filter((path) => isTorchFileName(path.slice(path.lastIndexOf('/') + 1)))
  const outermost = files.toSorted((a, b) => a.split('/').length - b.split('/').length)
  for (const path of outermost)
    if (await isLavisFile(tree, path)) return path.slice(0, path.lastIndexOf('/') + 1)
  return undefined
}

/** Whether a folder has `marker`, or lies in one that has it and weights beside it: then that one is meant. */
function liesIn(folder: string, marker: string, paths: readonly string[]): boolean {
  if (paths.includes(folder + marker)) return true
  const parents = [...folder.matchAll(/[^/]+\//g)].map(({ index }) => folder.slice(0, index))
  return parents.some(
    (parent) =>
      paths.includes(parent + marker) &&
      (marker === MANIFEST_PATH || paths.some((path) => isFileIn(parent, path) && isWeights(path))),
  )
}

function isFileIn(folder: string, path: string): boolean {
  return path.startsWith(folder) && !path.slice(folder.length).includes('/')
}

async function choose(roots: readonly string[], tree: FileTree, paths: readonly string[]): Promise<string> {
  const outermost = roots.filter((root) => !roots.some((other) => other !== root && root.startsWith(other)))
  const [only, ...others] = outermost
  if (only !== undefined && others.length === 0) return only
  const current = await currentSnapshot(tree, paths)
  const named = outermost.find((root) => current !== undefined && root.endsWith(`snapshots/${current}/`))
  if (named !== undefined) return named
  const names = outermost.slice(0, NAMED_AT_MOST).map((root) => root.slice(0, -1))
  const more = outermost.length > names.length ? ' and others' : ''
  throw new AppError(
    'bad-usage',
    `Several models lie side by side here, in ${names.join(', ')}${more}; choose the folder of one of them.`,
  )
}

/** What `refs/main` of a cache says, or else the first of its references: the commit that was fetched last. */
async function currentSnapshot(tree: FileTree, paths: readonly string[]): Promise<string | undefined> {
  const references = paths.filter((path) => /(^|\/)refs\/[^/]+$/.test(path))
  const chosen = references.find((path) => path.endsWith('refs/main')) ?? references[0]
  if (chosen === undefined) return undefined
  const text = await readText(tree, chosen, 100).catch(() => undefined)
  return text?.trim()
}

/** What to call the model in a folder: of a cache the repository's name, not the commit's. */
export function nameOfFolder(path: string): string | undefined {
  const folders = path.split(/[/\\]/).filter((part) => part !== '')
  const repository = folders.findLast((part) => part.startsWith('models--'))
  return repository?.split('--').at(-1) ?? folders.at(-1)
}
