/**
 * A Hugging Face checkpoint as one table of tensors, whether it lies in one file or in many, of safetensors or of
 * PyTorch. Opening it reads headers only; afterwards any run of elements can be read by itself, so a shard is never read whole.
 */
import { readText, type ByteSource, type FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { f16ToF32 } from '../pack/float16.ts'
import { isRecord } from '../pack/json.ts'
import { checkNoAdapterFile, checkNoAdapterTensors, wrapperPrefix } from './adapters.ts'
import { bf16ToF32 } from './dtypes.ts'
import { checkNoQuantisedTensors } from './families/quantised.ts'
import { INDEX, SINGLE, TORCH_INDEX, TORCH_SINGLE, whyNoWeights } from './other-layouts.ts'
import {
  parseUniqueJson,
  readExactly,
  readSafetensorsHeader,
  type Dtype,
  type TensorEntry,
} from './safetensors.ts'
import { isTorchFile, readTorchFile } from './torch/torch-file.ts'

export interface TensorInfo {
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** Name of the shard that holds it. */
  readonly file: string
  /** First byte within the shard, and one past the last. */
  readonly start: number
  readonly end: number
}

export interface CheckpointFile {
  readonly path: string
  readonly bytes: number
  /** The source's version (an ETag, or size and time); undefined when unknown. */
  readonly version: string | undefined
}

export interface Checkpoint {
  /** In the order of the shards and, within a shard, of its header. */
  readonly tensors: ReadonlyMap<string, TensorInfo>
  readonly files: readonly CheckpointFile[]
  /** Of all tensors together. */
  readonly byteLength: number
  /**
   * Elements of the flattened tensor as float32, a buffer of the caller's own. Reads exactly their bytes.
   * Throws `bad-checkpoint` when there is no such tensor or its type is not F32, F16 or BF16. `memory`: see `ByteSource.slice`.
   */
  readElements(
    tensor: string,
    first: number,
    count: number,
    signal?: AbortSignal,
    memory?: ArrayBuffer,
  ): Promise<Float32Array<ArrayBuffer>>
  /**
   * The same by rows of the tensor seen as [shape[0], everything else]. A vector's rows are its elements and a scalar
   * is one row of one element.
   */
  readRows(
    tensor: string,
    firstRow: number,
    rowCount: number,
    signal?: AbortSignal,
  ): Promise<Float32Array<ArrayBuffer>>
}

const MAX_SHARDS = 1000

const READABLE: Partial<Record<Dtype, number>> = { F32: 4, F16: 2, BF16: 2 }

/** Bytes per element where the type is one that weights can be read from, else undefined. */
export function readableBytes(dtype: Dtype): number | undefined {
  return READABLE[dtype]
}

/** Number of elements of a shape; a scalar has one. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1)
}

/** One kind of weights file: which tensors it has, and where. */
interface WeightsFormat {
  single: string
  index: string
  /** Of the files that an index names. */
  pattern: RegExp
  /** Whether a file is of this kind, where its name alone does not say so. */
  isOne?: (source: ByteSource) => Promise<boolean>
  read: (source: ByteSource, file: string, signal?: AbortSignal) => Promise<ReadonlyMap<string, TensorEntry>>
}

// Whatever the tree resolves it against, a name without separators and leading dots stays in its folder.
const SAFETENSORS: WeightsFormat = {
  single: SINGLE,
  index: INDEX,
  pattern: /^[\w-]+(\.[\w-]+)*\.safetensors$/,
  read: async (source, file, signal) => (await readSafetensorsHeader(source, file, signal)).tensors,
}

const TORCH: WeightsFormat = {
  single: TORCH_SINGLE,
  index: TORCH_INDEX,
  pattern: /^[\w-]+(\.[\w-]+)*\.bin$/,
  // Before PyTorch 1.6 its files were bare pickles, which `whyNoWeights` names.
  isOne: isTorchFile,
  read: readTorchFile,
}

/**
 * Finds the weights of a folder and reads where their tensors are: safetensors, or else what PyTorch saved. A single file
 * wins over an index, as in transformers. Throws `not-found`, `bad-checkpoint`, and `unsupported-model` for an adapter.
 */
export async function openCheckpoint(tree: FileTree, signal?: AbortSignal): Promise<Checkpoint> {
  await checkNoAdapterFile(tree)
  for (const format of [SAFETENSORS, TORCH]) {
    const found = await findWeights(tree, format)
    if (found === undefined) continue
    const [first] = found.sources.values()
    if (format.isOne && first && !(await format.isOne(first))) continue
    return readShards(found, format, signal)
  }
  throw await whyNoWeights(tree)
}

/** One file that PyTorch saved, whatever its name. Throws as `openCheckpoint` does. */
export async function openTorchCheckpoint(
  source: ByteSource,
  file: string,
  signal?: AbortSignal,
): Promise<Checkpoint> {
  if (!(await isTorchFile(source)))
    throw new AppError(
      'bad-checkpoint',
      `${file} is no ZIP file as PyTorch has written them since 1.6; download it again, or load it with PyTorch and save it anew.`,
    )
  return readShards({ sources: new Map([[file, source]]), index: undefined }, TORCH, signal)
}

interface FoundWeights {
  sources: ReadonlyMap<string, ByteSource>
  /** Tensor → file; undefined for a single file. */
  index: ReadonlyMap<string, string> | undefined
}

async function findWeights(tree: FileTree, format: WeightsFormat): Promise<FoundWeights | undefined> {
  const single = await tree.open(format.single)
  if (single !== undefined) return { sources: new Map([[format.single, single]]), index: undefined }
  const index = await readIndex(tree, format)
  if (index === undefined) return undefined
  const sources = new Map<string, ByteSource>()
  for (const file of new Set(index.values())) {
    const source = await tree.open(file)
    if (source === undefined) {
      throw new AppError(
        'bad-checkpoint',
        `${format.index} lists ${file}, which is not there; download it too.`,
      )
    }
    sources.set(file, source)
  }
  return { sources, index }
}

/** `weight_map`: tensor → shard. Undefined when the checkpoint has no index. */
async function readIndex(
  tree: FileTree,
  { index: path, pattern }: WeightsFormat,
): Promise<Map<string, string> | undefined> {
  const badIndex = (why: string): AppError =>
    new AppError('bad-checkpoint', `${path} cannot be used: ${why}; download it again.`)
  const text = await readText(tree, path).catch((cause: unknown) => {
    if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause
    throw new AppError('bad-checkpoint', `${path} is no readable text; download it again.`, { cause })
  })
  if (text === undefined) return undefined
  const json = parseUniqueJson(text, path)
  const weightMap = isRecord(json) ? json['weight_map'] : undefined
  if (!isRecord(weightMap)) throw badIndex('it has no weight_map')
  const index = new Map<string, string>()
  for (const [tensor, file] of Object.entries(weightMap)) {
    if (typeof file !== 'string' || !pattern.test(file)) {
      throw badIndex(`it gives ${JSON.stringify(file)} as a file name`)
    }
    index.set(tensor, file)
  }
  if (index.size === 0) throw badIndex('its weight_map is empty')
  if (new Set(index.values()).size > MAX_SHARDS) throw badIndex(`it lists more than ${MAX_SHARDS} files`)
  return index
}

async function readShards(
  { sources, index }: FoundWeights,
  format: WeightsFormat,
  signal: AbortSignal | undefined,
): Promise<Checkpoint> {
  const stored = new Map<string, TensorInfo>()
  const files: CheckpointFile[] = []
  for (const [file, source] of sources) {
    for (const [name, entry] of await format.read(source, file, signal)) {
      const other = stored.get(name)?.file
      if (other !== undefined) {
        throw new AppError(
          'bad-checkpoint',
          `${name} is in both ${other} and ${file}; download the checkpoint again.`,
        )
      }
      stored.set(name, { ...entry, file })
    }
    files.push({ path: file, bytes: source.byteLength, version: source.version })
  }
  for (const [name, file] of index ?? []) {
    if (stored.get(name)?.file === file) continue
    throw new AppError(
      'bad-checkpoint',
      `${format.index} places ${name} in ${file}, which lacks it; download both again.`,
    )
  }
  checkNoAdapterTensors(stored.keys())
  checkNoQuantisedTensors(stored.keys())
  const prefix = wrapperPrefix(stored.keys())
  const tensors = new Map([...stored].map(([name, info]) => [name.slice(prefix.length), info]))
  let byteLength = 0
  for (const { start, end } of tensors.values()) byteLength += end - start
  return { tensors, files, byteLength, ...readers(tensors, sources) }
}

function readers(
  tensors: ReadonlyMap<string, TensorInfo>,
  sources: ReadonlyMap<string, ByteSource>,
): Pick<Checkpoint, 'readElements' | 'readRows'> {
  async function readElements(
    tensor: string,
    first: number,
    count: number,
    signal?: AbortSignal,
    memory?: ArrayBuffer,
  ): Promise<Float32Array<ArrayBuffer>> {
    const info = infoOf(tensors, tensor)
    const width = readableBytes(info.dtype)
    if (width === undefined) {
      throw new AppError(
        'bad-checkpoint',
        `${tensor} is stored as ${info.dtype}; only F32, F16 and BF16 can be read.`,
      )
    }
    const source = sources.get(info.file)
    const start = info.start + first * width
    const end = start + count * width
    const inside = Number.isSafeInteger(first) && Number.isSafeInteger(count) && first >= 0 && count >= 0
    if (!source || !inside || end > info.end) {
      throw new AppError('bug', `${tensor} has no elements ${first} to ${first + count}.`)
    }
    const bytes = await readExactly(source, info.file, start, end, signal, memory)
    if (info.dtype === 'F32') return new Float32Array(bytes)
    const halves = new Uint16Array(bytes)
    return info.dtype === 'F16' ? f16ToF32(halves) : bf16ToF32(halves)
  }

  return {
    readElements,
    readRows: async (tensor, firstRow, rowCount, signal) => {
      const columns = elementsOf(infoOf(tensors, tensor).shape.slice(1))
      return readElements(tensor, firstRow * columns, rowCount * columns, signal)
    },
  }
}

function infoOf(tensors: ReadonlyMap<string, TensorInfo>, tensor: string): TensorInfo {
  const info = tensors.get(tensor)
  if (info) return info
  throw new AppError(
    'bad-checkpoint',
    `The checkpoint has no tensor ${tensor}; it is incomplete or another model.`,
  )
}
