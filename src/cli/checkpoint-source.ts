/** `--from`: a folder, a hub repository, a URL or made-up weights become a tree of files and a name. */
import { join } from 'node:path'
import { findRoot, nameOfFolder } from '../convert/find-root.ts'
import { subtree, type FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { parseAddress } from '../remote/address.ts'
import { plainNetwork } from '../remote/network.ts'
import { openRemote } from '../remote/source.ts'
import { syntheticCheckpoint } from '../synthetic/checkpoint.ts'
import { folderTree } from './files.ts'

export interface SourceOptions {
  hub: string
  token: string | undefined
  /** Makes a path that a person gave absolute. */
  folder: (path: string) => string
  signal: AbortSignal
}

export async function checkpointSource(
  from: string,
  { hub, token, folder, signal }: SourceOptions,
): Promise<{ tree: FileTree; name: string }> {
  const synthetic = syntheticCheckpoint(from)
  if (synthetic !== null) return { tree: synthetic, name: from }
  if (!/^(hub|https?):/i.test(from)) {
    const path = folder(from)
    const tree = folderTree(path)
    const root = (await findRoot(tree, ['config.json'])) ?? ''
    return { tree: subtree(tree, root), name: nameOfFolder(join(path, root)) ?? '' }
  }
  const hubUrl = hubAt(hub)
  const address = parseAddress(from, { hub: hubUrl, bareNames: false })
  return openRemote(address, hubUrl, { network: plainNetwork(), token, signal })
}

function hubAt(text: string): URL {
  if (!/^https?:/.test(text) || !URL.canParse(text))
    throw new AppError('bad-usage', `${JSON.stringify(text)} is no URL of a hub.`)
  return new URL(text.endsWith('/') ? text : `${text}/`)
}
