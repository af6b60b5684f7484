/** An address becomes a tree of files, pinned to what it holds now. */
import type { FileTree } from '../pack/bytes.ts'
import type { Address } from './address.ts'
import { httpTree } from './http-tree.ts'
import { openHub, type HubOptions } from './hub.ts'
import { nameOf } from './names.ts'

export interface RemoteSource {
  tree: FileTree
  /** The same address, pinned: read it again and the same bytes come, or none. */
  pinned: Address
  /** Where the files lie, ending in `/`. */
  base: URL
  /** What to call it. */
  name: string
}

export async function openRemote(address: Address, hub: URL, options: HubOptions): Promise<RemoteSource> {
  if (address.kind === 'web') {
    // A token is for the hub: we do not know who would read it elsewhere.
    const tree = httpTree(address.url, { ...options, token: undefined })
    return { tree, pinned: address, base: address.url, name: nameOf(address.url) }
  }
  const { commit, base, tree } = await openHub(hub, address, options)
  return {
    tree,
    pinned: { ...address, revision: commit },
    base,
    name: address.repository.split('/')[1] ?? '',
  }
}
