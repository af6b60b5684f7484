/**
 * Values of made-up weights: normally distributed, with a scale of its own for each row and each column, and a few
 * columns and rows far above the rest, as trained OPT models have them. Any stretch of a tensor can be made by itself;
 * nothing is stored but one block of numbers that all tensors cut from.
 */

/** A prime number, so that no two rows begin at the same place of the block. */
const BLOCK = 2_097_143

/** `initializer_range` of the published configurations. */
const DEVIATION = 0.02

/** Of hidden channels, one in this many is an outlier. */
const OUTLIER_EVERY = 509
/** How far above the rest it lies. */
export const OUTLIER_GAIN = 8

/** How far the scales of rows and columns spread: the standard deviation of their logarithm. */
const SPREAD = 0.3

export interface ValueSource {
  /** Elements `first` to `first + count` of the flattened tensor. */
  values(tensor: string, shape: readonly number[], first: number, count: number): Float32Array<ArrayBuffer>
}

/**
 * The same seed gives the same values, in whatever stretches they are asked for. `writtenGain` is how far above the rest
 * layers write the outlier channels.
 */
export function valueSource(seed: number, writtenGain = OUTLIER_GAIN): ValueSource {
  // Made for the first value: whoever only asks for names and shapes needs none.
  let block: Float32Array | undefined
  return {
    values(tensor, shape, first, count) {
      block ??= normalBlock(seed)
      const key = hash(tensor, seed)
      const columns = shape.length > 1 ? (shape.at(-1) ?? 1) : 1
      const { mean, deviation, rowOutliers, columnOutliers } = kindOf(tensor, shape)
      const scales =
        shape.length > 1 ? channelScales(columns, key ^ 1, columnOutliers ? OUTLIER_GAIN : 1) : null
      const rowGain = rowOutliers ? writtenGain : 1
      const out = new Float32Array(count)
      let place = (key + first) % BLOCK
      let column = first % columns
      let row = (first - column) / columns
      let rowScale = channelScale(row, key ^ 2, rowGain) * deviation
      for (let i = 0; i < count; i += 1) {
        out[i] = mean + (block[place] ?? 0) * rowScale * (scales?.[column] ?? 1)
        place = place + 1 === BLOCK ? 0 : place + 1
        column += 1
        if (column === columns) {
          column = 0
          row += 1
          rowScale = channelScale(row, key ^ 2, rowGain) * deviation
        }
      }
      return out
    },
  }
}

interface Kind {
  mean: number
  deviation: number
  /** Channels written by this tensor (rows) or read by it (columns) that are outliers. */
  rowOutliers: boolean
  columnOutliers: boolean
}

function kindOf(tensor: string, shape: readonly number[]): Kind {
  const plain = { mean: 0, deviation: DEVIATION, rowOutliers: false, columnOutliers: false }
  if (shape.length === 1) {
    const isNorm = /norm[^.]*\.weight$/i.test(tensor)
    return isNorm ? { ...plain, mean: 1, deviation: 0.1 } : plain
  }
  // In OPT and T5 some channels of the residual stream are far larger than the rest: layers write them so, and read them.
  if (/(out_proj|fc2|Attention\.o|wo)\.weight$/.test(tensor)) return { ...plain, rowOutliers: true }
  if (/([qkv]_proj|fc1|Attention\.[qkv]|wi_[01])\.weight$/.test(tensor))
    return { ...plain, columnOutliers: true }
  return plain
}

function channelScales(count: number, key: number, gain: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => channelScale(i, key, gain))
}

/** `gain` is for outliers alone. */
function channelScale(channel: number, key: number, gain: number): number {
  // Two uniform numbers make a roughly normal one: enough for a scale.
  const spread = uniform(channel ^ key) + uniform(channel ^ key ^ 0x5bd1e995) - 1
  return Math.exp(2.45 * SPREAD * spread) * (channel % OUTLIER_EVERY === 7 ? gain : 1)
}

/** Those that somebody still has, by seed: one checkpoint or pack after the other is made from the same. */
const blocks = new Map<number, WeakRef<Float32Array>>()

function normalBlock(seed: number): Float32Array {
  const known = blocks.get(seed)?.deref()
  if (known !== undefined) return known
  const made = makeNormalBlock(seed)
  blocks.set(seed, new WeakRef(made))
  return made
}

/** Box-Muller over a counter. */
function makeNormalBlock(seed: number): Float32Array {
  const values = new Float32Array(BLOCK)
  for (let i = 0; i < BLOCK; i += 1) {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform(2 * i + seed * 0x9e3779b9)))
    values[i] = radius * Math.cos(2 * Math.PI * uniform(2 * i + 1 + seed * 0x9e3779b9))
  }
  return values
}

/** A number in [0, 1) that depends on nothing but `n` (SplitMix32's finaliser). */
function uniform(n: number): number {
  let z = (n + 0x9e3779b9) >>> 0
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32
}

/** FNV-1a of the name, below the block's length. */
function hash(text: string, seed: number): number {
  let h = 0x811c9dc5 ^ seed
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return (h >>> 0) % BLOCK
}
