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
import { unpickleStateDict, type PickledTensor } from './unpickle.ts'

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
  const entries = await readDirectory(zip, MOST_ENTRIES).catch((cause: unknown) => {
    throw cause instanceof AppError && cause.code === 'bad-file'
      ? damaged(file, 'it is no whole ZIP file', cause)
      : cause
  })
  const pickle = [...entries.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name))
  const [found] = pickle
  if (found === undefined || pickle.length > 1) throw damaged(file, 'it has no single data.pkl')
  if (found.bytes > LARGEST_PICKLE) throw damaged(file, 'its pickle is too large')
  const root = found.name.slice(0, -'data.pkl'.length)
  await checkByteOrder(zip, entries.get(`${root}byteorder`), file)
  const start = await startOf(zip, found, file)
  const bytes = new Uint8Array(await readExactly(source, file, start, start + found.bytes, signal))
  const starts = new Map<string, number>()
  const tensors = new Map<string, TensorEntry>()
  for (const [name, tensor] of unpickleStateDict(bytes, file)) {
    const { key } = tensor.storage
    const entry = entries.get(`${root}data/${key}`)
    if (entry === undefined) throw damaged(file, `it lacks the bytes of ${name}`)
    const begin = starts.get(key) ?? (await startOf(zip, entry, file))
    starts.set(key, begin)
    tensors.set(name, located(tensor, entry, begin, `${file}: ${name}`))
  }
  return tensors
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

async function startOf(zip: ZipSource, entry: ZipEntry, file: string): Promise<number> {
  return startOfEntry(zip, entry).catch((cause: unknown) => {
    throw cause instanceof AppError && cause.code === 'bad-file'
      ? damaged(file, `${entry.name} is damaged`, cause)
      : cause
  })
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
