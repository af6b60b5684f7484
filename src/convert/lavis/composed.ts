/** One checkpoint out of the tensors of several, under other names. */
import type { Checkpoint, CheckpointFile, TensorInfo } from '../checkpoint.ts'
import { elementsOf } from '../checkpoint.ts'
import { AppError } from '../../pack/failure.ts'

/** A tensor, and whose it is. */
export interface Origin {
  from: Checkpoint
  tensor: string
}

/** Vectors one behind the other, null for one of zeros that is as long as the first. */
export type Joined = readonly [Origin, ...(Origin | null)[]]

/** What a tensor of the whole is: one of another checkpoint, or several joined. */
export type Composition = Map<string, Origin | Joined>

/** The checkpoint that `composition` describes; `files` are those that its tensors lie in. */
export function composeCheckpoint(composition: Composition, files: readonly CheckpointFile[]): Checkpoint {
  const tensors = new Map<string, TensorInfo>()
  for (const [name, origin] of composition)
    tensors.set(name, isJoined(origin) ? joinedInfo(name, origin) : infoOf(origin))
  const origin = (tensor: string): Origin | Joined => {
    const found = composition.get(tensor)
    if (found !== undefined) return found
    throw new AppError(
      'bad-checkpoint',
      `The checkpoint has no tensor ${tensor}; it is incomplete or another model.`,
    )
  }
  const readElements: Checkpoint['readElements'] = async (tensor, first, count, signal, memory) => {
    const one = origin(tensor)
    return isJoined(one)
      ? readJoined(one, first, count, signal)
      : one.from.readElements(one.tensor, first, count, signal, memory)
  }
  return {
    tensors,
    files,
    byteLength: [...tensors.values()].reduce((sum, { start, end }) => sum + end - start, 0),
    readElements,
    readRows: async (tensor, firstRow, rowCount, signal) => {
      const columns = elementsOf(tensors.get(tensor)?.shape.slice(1) ?? [])
      return readElements(tensor, firstRow * columns, rowCount * columns, signal)
    },
  }
}

function isJoined(origin: Origin | Joined): origin is Joined {
  return Array.isArray(origin)
}

function infoOf({ from, tensor }: Origin): TensorInfo {
  const info = from.tensors.get(tensor)
  if (info !== undefined) return info
  throw new AppError('bug', `${tensor} is composed of what is not there.`)
}

/** Where the first of them lies; all of them are vectors of its length. */
function joinedInfo(name: string, parts: Joined): TensorInfo {
  const first = infoOf(parts[0])
  const { length, [0]: size = 0 } = first.shape
  const alike = parts.every((part) => part === null || infoOf(part).shape.join() === first.shape.join())
  if (length !== 1 || !alike)
    throw new AppError(
      'bad-checkpoint',
      `${name} cannot be put together: its parts are no vectors of one length; fetch the checkpoint again.`,
    )
  return { ...first, shape: [parts.length * size] }
}

async function readJoined(
  parts: Joined,
  first: number,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array<ArrayBuffer>> {
  const size = elementsOf(infoOf(parts[0]).shape)
  const out = new Float32Array(count)
  for (const [i, part] of parts.entries()) {
    const from = Math.max(first, i * size)
    const to = Math.min(first + count, (i + 1) * size)
    if (part !== null && from < to)
      out.set(await part.from.readElements(part.tensor, from - i * size, to - from, signal), from - first)
  }
  return out
}
