/**
 * A checkpoint that is nowhere stored: a folder to read from, with a `config.json` and one safetensors file whose
 * bytes are made up as they are asked for. What things cost does not depend on the values of weights.
 */
import type { ByteSource, FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { parseConfig } from '../convert/families/config-json.ts'
import { readModel } from '../convert/families/families.ts'
import { planConversion } from '../convert/plan.ts'
import { configOf, SIZES, type Size } from './dimensions.ts'
import { valueSource, type ValueSource } from './values.ts'

/** `synthetic:<size>` or `synthetic:<size>:<seed>` → a checkpoint; null when `address` is none of these. */
export function syntheticCheckpoint(address: string): FileTree | null {
  const [scheme, name, seed = '1'] = address.split(':')
  if (scheme !== 'synthetic') return null
  const size = SIZES.find((known) => known === name)
  if (size === undefined || !/^\d{1,9}$/.test(seed))
    throw new AppError(
      'bad-usage',
      `There is no ${address}; say synthetic:<size> or synthetic:<size>:<seed>, with one of the sizes ${SIZES.join(', ')}.`,
    )
  return syntheticTree(size, Number(seed))
}

/** Float32 values that depend on the seed and each tensor's name and shape alone. */
export function syntheticTree(size: Size, seed: number): FileTree {
  return checkpointOf(configOf(size), seed)
}

/** The same for a model of this `config.json`. */
export function checkpointOf(config: string, seed: number): FileTree {
  const files = new Map<string, ByteSource>([
    ['config.json', bytesSource(new TextEncoder().encode(config))],
    ['model.safetensors', safetensors(tensorsOf(config), seed)],
  ])
  return { open: (path) => Promise.resolve(files.get(path)) }
}

export interface Tensor {
  tensor: string
  shape: number[]
}

/** Every tensor that a model of this `config.json` has, by name: the planner knows. Two parts may read the same one. */
export function tensorsOf(config: string): Tensor[] {
  const sources = planConversion(readModel(parseConfig(config)), 'fp32').weights.flatMap(({ recipes }) =>
    recipes.flatMap((recipe) => recipe.sources),
  )
  const byName = new Map(sources.map((source) => [source.tensor, source]))
  return [...byName.values()].sort((a, b) => (a.tensor < b.tensor ? -1 : 1))
}

interface Entry extends Tensor {
  /** Bytes from the end of the header. */
  start: number
  end: number
}

function safetensors(tensors: readonly Tensor[], seed: number): ByteSource {
  const entries: Entry[] = []
  let end = 0
  for (const { tensor, shape } of tensors) {
    const start = end
    end += 4 * shape.reduce((product, size) => product * size, 1)
    entries.push({ tensor, shape, start, end })
  }
  const header = headerOf(entries)
  const source = valueSource(seed)
  return {
    byteLength: header.length + end,
    version: `synthetic-${seed}`,
    slice: (from, to) => {
      const out = new Uint8Array(to - from)
      if (from < header.length) out.set(header.subarray(from, Math.min(to, header.length)))
      for (const entry of entries) {
        const first = Math.max(from - header.length, entry.start)
        const last = Math.min(to - header.length, entry.end)
        if (first < last) out.set(bytesOf(source, entry, first, last), first + header.length - from)
      }
      return out.buffer
    },
  }
}

/** Bytes `first` to `last` of the data, which lie within `entry`. */
function bytesOf(
  source: ValueSource,
  { tensor, shape, start }: Entry,
  first: number,
  last: number,
): Uint8Array {
  const from = Math.floor((first - start) / 4)
  const to = Math.ceil((last - start) / 4)
  const { buffer } = source.values(tensor, shape, from, to - from)
  return new Uint8Array(buffer, first - start - 4 * from, last - first)
}

function headerOf(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const tensors = entries.map(({ tensor, shape, start, end }) => [
    tensor,
    { dtype: 'F32', shape, data_offsets: [start, end] },
  ])
  const json = JSON.stringify(Object.fromEntries(tensors))
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8))
  const header = new Uint8Array(8 + text.length)
  new DataView(header.buffer).setBigUint64(0, BigInt(text.length), true)
  header.set(text, 8)
  return header
}

function bytesSource(bytes: Uint8Array<ArrayBuffer>): ByteSource {
  return { byteLength: bytes.length, slice: (start, end) => bytes.slice(start, end).buffer }
}
