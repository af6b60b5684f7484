/**
 * The frozen tower that models have in common: their vision encoders are the same bytes but for gain and bias of the last
 * norm, which each stage trains anew. What that norm makes before gain and bias is the same for all of them, so that one
 * look at a picture serves each.
 */
import { bytesOfFile, sha256Hex } from '../../pack/bytes.ts'
import { floatsIn } from '../../pack/float16.ts'
import { chunksOf, type PackFile, type PackReader } from '../../pack/manifest.ts'
import { vision as treaty } from '../../pack/parts.ts'
import { targetFor, type Processor } from '../../pack/targets.ts'
import type { TowerStates } from '../../pack/tower-states.ts'
import { weightsOfGraph, type StoredTensor } from '../wgsl/weights/graph-weights.ts'

/**
 * How many times the largest bias may be its gain: what rounding took of features grows as much, and one of 24 bits has
 * more to lose than one of 11.
 */
const MOST_BIAS = { float32: 32, float16: 4 }

export class Tower {
  /**
   * The same for every model that looks alike before its last gain and bias: same graph, weights and pixels, whatever
   * stands behind.
   */
  readonly key: string
  /** Both [width]. */
  readonly #gain: Float32Array
  readonly #bias: Float32Array

  private constructor(key: string, gain: Float32Array, bias: Float32Array) {
    this.key = key
    this.#gain = gain
    this.#bias = bias
  }

  /**
   * The tower of a pack as it runs on `processor`; null where its graph does not say which weights are the last norm, or
   * where its gain could not be taken off again without loss.
   */
  static async of(pack: PackReader, processor: Processor): Promise<Tower | null> {
    const { manifest } = pack
    const { graphs, weights: path, shape } = manifest.parts.vision
    const target = targetFor(processor, graphs)
    const fileAt = (wanted: string | undefined): PackFile | undefined =>
      manifest.files.find((file) => file.path === wanted)
    const [graph, weights] = [fileAt(graphs[target]), fileAt(path)]
    if (graph === undefined || weights === undefined) return null
    const stored = weightsOfGraph(await bytesOfFile(await pack.file(graph.path)), path)
    const [gainAt, biasAt] = [stored.get(treaty.lastNorm.gain), stored.get(treaty.lastNorm.bias)]
    if (gainAt === undefined || biasAt === undefined) return null
    const file = await pack.file(path)
    const [gain, bias] = [await floatsOf(file, gainAt), await floatsOf(file, biasAt)]
    if (gain.length !== shape.hiddenSize || bias.length !== shape.hiddenSize) return null
    const most = MOST_BIAS[target === 'webgpu-f16' ? 'float16' : 'float32']
    // Also of a gain of 0, and of what is no number.
    if (!gain.every((by, i) => Math.abs(by) * most > Math.abs(bias[i] ?? NaN))) return null
    const { preprocessing } = manifest
    const parts = [graph.chunks, await trunkOf(weights, file, [gainAt, biasAt]), preprocessing, shape]
    const key = await sha256Hex(new TextEncoder().encode(JSON.stringify(parts)))
    return new Tower(key, gain, bias)
  }

  /** `features` [tokens, width] as the vision encoder of this model gives them. */
  statesOf(features: Float32Array): TowerStates {
    const values = byChannel(features, this.#gain, this.#bias, (value, gain, bias) => (value - bias) / gain)
    return { tower: this.key, values }
  }

  /** Features [tokens, width] as the vision encoder of this model would give them. Null for states of another tower. */
  featuresOf({ tower, values }: TowerStates): Float32Array<ArrayBuffer> | null {
    if (tower !== this.key) return null
    return byChannel(values, this.#gain, this.#bias, (value, gain, bias) => value * gain + bias)
  }
}

/** The tower of a pack, read when it is first wanted; what could not be read is read again. */
export function towerOf(pack: PackReader, processor: Processor): () => Promise<Tower | null> {
  let read: Promise<Tower | null> | null = null
  return () =>
    (read ??= Tower.of(pack, processor).catch((error: unknown) => {
      read = null
      throw error
    }))
}

/** `change` of each of `values` [tokens, width] with the gain and the bias of its channel, [width] each. */
function byChannel(
  values: Float32Array,
  gain: Float32Array,
  bias: Float32Array,
  change: (value: number, gain: number, bias: number) => number,
): Float32Array<ArrayBuffer> {
  const changed = new Float32Array(values.length)
  const width = gain.length
  for (let start = 0; start < values.length; start += width)
    for (let i = 0; i < width; i += 1)
      changed[start + i] = change(values[start + i] ?? 0, gain[i] ?? 1, bias[i] ?? 0)
  return changed
}

/** Hashes of all chunks of a weights file; of those with weights of the norm, what is left when they are 0. */
async function trunkOf(
  weights: PackFile,
  file: Blob | Uint8Array<ArrayBuffer>,
  norm: readonly StoredTensor[],
): Promise<string[]> {
  const hashes: string[] = []
  let start = 0
  for (const { bytes, sha256 } of chunksOf(weights)) {
    const end = start + bytes
    const inIt = norm.filter(({ offset, bytes: length }) => offset < end && offset + length > start)
    if (inIt.length === 0) hashes.push(sha256)
    else {
      const rest = (await bytesOfFile(file.slice(start, end))).slice()
      for (const { offset, bytes: length } of inIt)
        rest.fill(0, Math.max(0, offset - start), Math.min(bytes, offset + length - start))
      hashes.push(await sha256Hex(rest))
    }
    start = end
  }
  return hashes
}

async function floatsOf(
  file: Blob | Uint8Array<ArrayBuffer>,
  { type, offset, bytes }: StoredTensor,
): Promise<Float32Array> {
  return floatsIn(await bytesOfFile(file.slice(offset, offset + bytes)), type === 'float16')
}
