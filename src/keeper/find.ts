/** What a person gave becomes something to read: a pack, or a checkpoint to convert. */
import { findRoot, isWeights, nameOfFolder } from '../convert/find-root.ts'
import { sha256Hex, subtree, type ByteSource, type FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { MANIFEST_PATH, readManifestText } from '../pack/manifest.ts'
import type { AddRequest } from '../protocol/keeper-calls.ts'
import { addressText, parseAddress } from '../remote/address.ts'
import type { Network } from '../remote/network.ts'
import { PUBLIC_HUB, type HubOptions } from '../remote/hub.ts'
import { measureSpeed } from '../remote/measure-speed.ts'
import { authorization } from '../remote/range-request.ts'
import type { Delay } from '../remote/retry.ts'
import { openRemote } from '../remote/source.ts'
import { parseTorchAddress, torchAddressText, type TorchAddress } from '../remote/torch-address.ts'
import { serverSource, treeSource, type PackSource } from '../store/pack-source.ts'
import { packId, type Origin } from '../store/records.ts'
import { openTorch } from './torch-place.ts'

interface Found {
  /** The same for the same thing, in every tab and at every visit. */
  id: string
  name: string
  origin: Origin
  /** Bytes per second at which `path` would arrive, measured; null for files of this computer and when unknown. */
  measure: Measure
}

type Measure = (path: string, signal: AbortSignal) => Promise<number | null>

export interface FoundPack extends Found {
  what: 'pack'
  manifestText: string
  source: PackSource
}

export interface FoundCheckpoint extends Found {
  what: 'checkpoint'
  tree: FileTree
}

export interface FindOptions {
  network: Network
  signal: AbortSignal
  onDelay?: ((delay: Delay | null) => void) | undefined
}

/** Throws `not-found` for what is neither, and what requests throw. */
export async function findModel(
  request: AddRequest,
  options: FindOptions,
): Promise<FoundPack | FoundCheckpoint> {
  const place =
    request.source.kind === 'address'
      ? await remotePlace(request.source.text, request, options)
      : await localPlace(request.source.files)
  const { tree, name, address, base, asked, packSource, identity, measure } = place
  const { precision, imageSize = null } = request
  const manifestText = await readManifestText(tree)
  if (manifestText !== undefined) {
    const origin = { address, base, asked, converted: null }
    return {
      what: 'pack',
      id: await packId(manifestText),
      name,
      origin,
      measure,
      manifestText,
      source: packSource(),
    }
  }
  const size = imageSize === null ? {} : { imageSize }
  const origin = { address, base, asked, converted: precision, ...size }
  const made = imageSize === null ? precision : `${precision} ${imageSize}`
  const id = await sha256Hex(new TextEncoder().encode(`${identity} ${made}`))
  return { what: 'checkpoint', id, name, origin, measure, tree }
}

interface Place {
  tree: FileTree
  name: string
  address: string | null
  base: string | null
  asked: string | null
  /** Differs where the files do. */
  identity: string
  packSource: () => PackSource
  measure: Measure
}

async function remotePlace(
  text: string,
  { hub, token }: AddRequest,
  { network, signal, onDelay }: FindOptions,
): Promise<Place> {
  const hubUrl = URL.canParse(hub) ? new URL(hub) : new URL(PUBLIC_HUB)
  const options = { network, signal, onDelay, ...(token !== null && { token }) }
  const torch = parseTorchAddress(text, { hub: hubUrl })
  if (torch !== undefined) return torchPlace(torch, hubUrl, options)
  const address = parseAddress(text, { hub: hubUrl, bareNames: true })
  const { tree, pinned, base, name } = await openRemote(address, hubUrl, options)
  const ours = address.kind === 'hub' && token !== null ? token : undefined
  return {
    tree,
    name,
    address: addressText(pinned),
    base: base.href,
    asked: addressText(address),
    identity: addressText(pinned),
    packSource: () => serverSource(base, network, { token: ours }),
    measure: (path, untilCancelled) =>
      measureSpeed(network, { url: new URL(path, base), headers: authorization(ours) }, untilCancelled),
  }
}

async function torchPlace(torch: TorchAddress, hub: URL, options: HubOptions): Promise<Place> {
  const { tree, name, pinned, base, urlOf } = await openTorch(torch, hub, options)
  const { network, token } = options
  return {
    tree,
    name,
    address: pinned,
    base: base.href,
    asked: torchAddressText(torch),
    identity: pinned,
    packSource: () => treeSource(tree),
    measure: (path, untilCancelled) => {
      const url = urlOf(path)
      const headers = authorization(url.origin === hub.origin ? token : undefined)
      return measureSpeed(network, { url, headers }, untilCancelled)
    },
  }
}

async function localPlace(files: readonly { path: string; file: File }[]): Promise<Place> {
  const byPath = new Map(files.map(({ path, file }) => [path, file]))
  const all: FileTree = {
    open: (path) => {
      const file = byPath.get(path)
      return Promise.resolve(file && fileSource(file))
    },
    list: () => Promise.resolve([...byPath.keys()]),
  }
  const root = (await findRoot(all)) ?? folderOfWeights([...byPath.keys()])
  // What LAVIS leaves out of its files lies in a folder below.
  const whole = !byPath.has(`${root}config.json`) && !byPath.has(root + MANIFEST_PATH)
  const identity = [...byPath]
    .filter(([path]) => path.startsWith(root) && (whole || !path.slice(root.length).includes('/')))
    .map(([path, file]) => `${path.slice(root.length)} ${file.size} ${file.lastModified}`)
  const tree = subtree(all, root)
  return {
    tree,
    name: nameOfFolder(root) ?? 'a model of this computer',
    address: null,
    base: null,
    asked: null,
    identity: identity.sort().join('\n'),
    packSource: () => treeSource(tree),
    measure: () => Promise.resolve(null),
  }
}

/** Where no configuration is, weights may say what it is that was chosen. Throws `not-found` where there are none either. */
function folderOfWeights(paths: readonly string[]): string {
  const weights = paths.find(isWeights)
  if (weights !== undefined) return weights.slice(0, weights.lastIndexOf('/') + 1)
  throw new AppError(
    'not-found',
    'There is neither a pack (pack.json) nor a checkpoint (config.json) among these files; choose the whole folder.',
  )
}

function fileSource(file: File): ByteSource {
  return {
    byteLength: file.size,
    version: `${file.size}-${file.lastModified}`,
    slice: async (start, end) => {
      if (!(start >= 0 && start <= end && end <= file.size))
        throw new RangeError(`${file.name} has no bytes ${start} to ${end}, only ${file.size}`)
      try {
        return await file.slice(start, end).arrayBuffer()
      } catch (cause) {
        throw new AppError('not-found', `${file.name} cannot be read any more; choose the files again.`, {
          cause,
        })
      }
    },
  }
}
