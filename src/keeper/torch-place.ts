/** A file of LAVIS on a server, with what it leaves out, as a place to read from. */
import { LANGUAGE_FOLDER, withFrozenParts, type FileInTree } from '../convert/lavis/frozen-parts.ts'
import type { HubOptions } from '../remote/hub.ts'
import { httpTree } from '../remote/http-tree.ts'
import { nameOf } from '../remote/names.ts'
import { openRemote, type RemoteSource } from '../remote/source.ts'
import { torchAddressText, type TorchAddress } from '../remote/torch-address.ts'
import type { FileTree } from '../pack/bytes.ts'

export interface TorchPlace {
  tree: FileTree
  name: string
  /** As `torchAddressText` writes it, the folder behind it pinned to what it holds now. */
  pinned: string
  /** The folder of the file, ending in `/`. */
  base: URL
  /** Where a file of the tree is. */
  urlOf: (path: string) => URL
}

/** Nothing of the files but their heads is read. A token is for the hub alone. Throws what opening a hub's repository throws. */
export async function openTorch(address: TorchAddress, hub: URL, options: HubOptions): Promise<TorchPlace> {
  const { file, vision } = address
  const own = fileOf(file, options)
  const tower = vision === null ? undefined : fileOf(vision, options)
  const language = address.language && (await openRemote(address.language, hub, options))
  return {
    tree: withFrozenParts(own.tree, tower, language?.tree),
    name: own.path.replace(/\.pth$/i, ''),
    pinned: torchAddressText({ ...address, language: language && language.pinned }),
    base: new URL('.', file),
    urlOf: (path) => urlOf(path, { file, vision, towerPath: tower?.path, language }),
  }
}

function urlOf(
  path: string,
  parts: { file: URL; vision: URL | null; towerPath: string | undefined; language: RemoteSource | null },
): URL {
  const { file, vision, towerPath, language } = parts
  if (language !== null && path.startsWith(LANGUAGE_FOLDER))
    return new URL(path.slice(LANGUAGE_FOLDER.length), language.base)
  return vision !== null && path === towerPath ? vision : file
}

function fileOf(url: URL, options: HubOptions): FileInTree {
  const path = nameOf(url)
  const tree = httpTree(new URL('.', url), { ...options, token: undefined, files: new Set([path]) })
  return { tree, path }
}
