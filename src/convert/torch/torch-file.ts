/**
 * What `torch.save` writes (PyTorch 1.6 and later): a ZIP file of stored entries, a pickle that says what the tensors are,
 * and a file for each storage. Directory and pickle are read, and of the storages only where they begin; every range
 * that comes out lies within its storage.
 */
import {
  isZip,
  readDirectory,
  startOfEntry,
  type ZipEntry,
  type ZipSource,
} from '../../archive/zip-reader.ts'
import type { ByteSource } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'
import { elementBytes, readExactly, type TensorEntry } from '../safetensors.ts'
import type { PickledTensor } from './pickled.ts'
import { unpickleStateDict } from './unpickle.ts'

/** A storage for each tensor, and a few more. */
const MOST_ENTRIES = 100_000
/** Of 1200 tensors it has some 150 kB; with an optimiser's state a few times that. */
const LARGEST_PICKLE = 2 ** 26

/** Whether a file begins as one of these does. */
export function isTorchFile(source: ByteSource): Promise<boolean> {
  return isZip(zipSource(source, '', undefined))
}

/** The tensors of a file and where their bytes lie in it. Throws `bad-checkpoint`. */
export async function readTorchFile(
  source: ByteSource,
  file: string,
  signal?: AbortSignal,
): Promise<Map<string, TensorEntry>> {
  const zip = zipSource(source, file, signal)
  const { stateDict, storages, root } = await readStateDict(zip, file)
  const pickled = [...stateDict].map(([name, tensor]) => {
    const entry = storages.get(`${root}data/${tensor.storage.key}`)
    if (entry === undefined) throw damaged(file, `it lacks the bytes of ${name}`)
    return { name, tensor, entry }
  })
  const starts = await startsOf(zip, new Set(pickled.map(({ entry }) => entry)), file)
  const tensors = new Map<string, TensorEntry>()
  for (const { name, tensor, entry } of pickled)
    tensors.set(name, located(tensor, entry, starts.get(entry) ?? NaN, `${file}: ${name}`))
  return tensors
}

/** What the tensors of a file are called; where they lie is not looked up. Throws `bad-checkpoint`. */
export async function torchNames(
  source: ByteSource,
  file: string,
  signal?: AbortSignal,
): Promise<Set<string>> {
  const { stateDict } = await readStateDict(zipSource(source, file, signal), file)
  return new Set(stateDict.keys())
}

interface StateDict {
  stateDict: ReadonlyMap<string, PickledTensor>
  /** Entries of the ZIP file; storages are those in `data/` of `root`. */
  storages: ReadonlyMap<string, ZipEntry>
  /** The folder that everything lies in, ending in `/`. */
  root: string
}

async function readStateDict(zip: ZipSource, file: string): Promise<StateDict> {
  const entries = await readDirectory(zip, MOST_ENTRIES).catch(orDamaged(file, 'it is no whole ZIP file'))
  const pickle = [...entries.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name))
  const [found] = pickle
  if (found === undefined || pickle.length > 1) throw damaged(file, 'it has no single data.pkl')
  if (found.bytes > LARGEST_PICKLE) throw damaged(file, 'its pickle is too large')
  const root = found.name.slice(0, -'data.pkl'.length)
  await checkByteOrder(zip, entries.get(`${root}byteorder`), file)
  const start = await startOf(zip, found, file)
  const bytes = new Uint8Array(await zip.slice(start, start + found.bytes).arrayBuffer())
  return { stateDict: unpickleStateDict(bytes, file), storages: entries, root }
}

/** Written row by row, and inside its storage, or refused. */
function located(
  { storage, offset, shape, strides }: PickledTensor,
  entry: ZipEntry,
  begin: number,
  what: string,
): TensorEntry {
  const width = elementBytes(storage.dtype)
  const elements = shape.reduce((product, size) => product * size, 1)
  if (
    !Number.isSafeInteger(elements) ||
    storage.elements * width !== entry.bytes ||
    offset + elements > storage.elements
  )
    throw damaged(what, 'it has other bytes than its shape needs')
  let step = 1
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const size = shape[axis] ?? 1
    if (size !== 1 && strides[axis] !== step && elements > 0)
      throw damaged(what, 'its values do not lie row by row')
    step *= size
  }
  const start = begin + offset * width
  return { dtype: storage.dtype, shape: [...shape], start, end: start + elements * width }
}

async function checkByteOrder(zip: ZipSource, entry: ZipEntry | undefined, file: string): Promise<void> {
  if (entry === undefined) return
  const start = await startOf(zip, entry, file)
  const text = new TextDecoder().decode(
    await zip.slice(start, start + Math.min(entry.bytes, 16)).arrayBuffer(),
  )
  if (text !== 'little') throw damaged(file, 'its bytes are in another order than on this machine')
}

/**
 * A local header is small, and a server takes its time for each: some are asked for at once. Each request listens to the
 * signal that cancels all, and Node complains on stderr of more than ten that listen.
 */
const HEADERS_AT_ONCE = 8

async function startsOf(
  zip: ZipSource,
  entries: ReadonlySet<ZipEntry>,
  file: string,
): Promise<Map<ZipEntry, number>> {
  const starts = new Map<ZipEntry, number>()
  const all = [...entries]
  for (let i = 0; i < all.length; i += HEADERS_AT_ONCE) {
    const some = all.slice(i, i + HEADERS_AT_ONCE)
    await Promise.all(some.map(async (entry) => starts.set(entry, await startOf(zip, entry, file))))
  }
  return starts
}

async function startOf(zip: ZipSource, entry: ZipEntry, file: string): Promise<number> {
  return startOfEntry(zip, entry).catch(orDamaged(file, `${entry.name} is damaged`))
}

function orDamaged(file: string, why: string): (cause: unknown) => never {
  return (cause) => {
    throw cause instanceof AppError && cause.code === 'bad-file' ? damaged(file, why, cause) : cause
  }
}

function zipSource(source: ByteSource, file: string, signal: AbortSignal | undefined): ZipSource {
  return {
    size: source.byteLength,
    slice: (start, end) => ({ arrayBuffer: () => readExactly(source, file, start, end, signal) }),
  }
}

function damaged(what: string, why: string, cause?: unknown): AppError {
  return new AppError('bad-checkpoint', `${what} cannot be used: ${why}; download it again.`, { cause })
}
