/** `--from`: a folder, a file of LAVIS, a hub repository, a URL or made-up weights become a tree of files and a name. */
import { basename, dirname, join } from 'node:path'
import { findRoot, nameOfFolder } from '../convert/find-root.ts'
import { withFrozenParts, type FileInTree } from '../convert/lavis/frozen-parts.ts'
import { hasLavisFile, isTorchFileName, isTowerFile } from '../convert/lavis/open-lavis.ts'
import { subtree, type FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { parseAddress } from '../remote/address.ts'
import { httpTree } from '../remote/http-tree.ts'
import { nameOf } from '../remote/names.ts'
import { plainNetwork } from '../remote/network.ts'
import { openRemote } from '../remote/source.ts'
import { syntheticCheckpoint } from '../synthetic/checkpoint.ts'
import { folderTree } from './files.ts'

export interface SourceOptions {
  /** What a file of LAVIS leaves out, where it lies elsewhere: a `.pth`, and whatever `--from` may be. */
  vision?: string | undefined
  language?: string | undefined
  hub: string
  token: string | undefined
  /** Makes a path that a person gave absolute. */
  folder: (path: string) => string
  signal: AbortSignal
}

interface Source {
  tree: FileTree
  name: string
}

export async function checkpointSource(from: string, options: SourceOptions): Promise<Source> {
  const { vision, language, ...others } = options
  const source = await (isTorchFile(from) ? besideFile(from, others) : folderSource(from, others))
  if (vision === undefined && language === undefined) return source
  if (!(await hasLavisFile(source.tree)))
    throw new AppError(
      'bad-usage',
      `There is no file of LAVIS in ${from}, and only such files leave parts out that --vision and --language name.`,
    )
  const tower = vision === undefined ? undefined : await oneFile(vision, others)
  const { tree } = language === undefined ? { tree: undefined } : await folderSource(language, others)
  return { ...source, tree: withFrozenParts(source.tree, tower, tree) }
}

async function folderSource(from: string, { hub, token, folder, signal }: SourceOptions): Promise<Source> {
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

function isTorchFile(from: string): boolean {
  return /\.pth$/i.test(from)
}

/** The file, and of its folder what LAVIS would look for: a tower under LAVIS' name, and folders of language models. */
async function besideFile(from: string, options: SourceOptions): Promise<Source> {
  const { tree, path } = await oneFile(from, options)
  const list = async (): Promise<string[]> => {
    const others = ((await tree.list?.()) ?? []).filter(
      (other) => other !== path && (!isTorchFileName(other) || isTowerFile(other)),
    )
    return [path, ...others]
  }
  return { tree: { open: (other) => tree.open(other), list }, name: path.replace(/\.pth$/i, '') }
}

/** A file on this computer or on a server. Throws `not-found` where it is not there. */
async function oneFile(from: string, { folder, signal }: SourceOptions): Promise<FileInTree> {
  const remote = /^https?:/i.test(from)
  if (!isTorchFile(from)) throw new AppError('bad-usage', `${from} is no .pth file; name the file itself.`)
  if (remote && !URL.canParse(from)) throw new AppError('bad-usage', `${from} is no URL of a file.`)
  const path = remote ? nameOf(new URL(from)) : basename(from)
  const tree = remote
    ? httpTree(new URL('.', from), { network: plainNetwork(), token: undefined, signal })
    : folderTree(dirname(folder(from)))
  if ((await tree.open(path)) === undefined)
    throw new AppError('not-found', `There is no file ${from}; check the path.`)
  return { tree, path }
}

function hubAt(text: string): URL {
  if (!/^https?:/.test(text) || !URL.canParse(text))
    throw new AppError('bad-usage', `${JSON.stringify(text)} is no URL of a hub.`)
  return new URL(text.endsWith('/') ? text : `${text}/`)
}
