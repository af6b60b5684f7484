/**
 * A pack that is nowhere stored and that no converter has seen: its graphs are the converter's, its weights random
 * bytes under plausible scales. Made in seconds at any size; what it answers means nothing.
 */
import { parseConfig } from '../convert/families/config-json.ts'
import { readModel } from '../convert/families/families.ts'
import { elementsOf } from '../convert/checkpoint.ts'
import { f32ToF16 } from '../convert/dtypes.ts'
import type { AccuracyLevel } from '../convert/onnx/graph-builder.ts'
import { planConversion } from '../convert/plan.ts'
import type { ConversionPlan } from '../convert/plan.ts'
import type {
  Initialiser,
  InterpolateRecipe,
  QuantiseRecipe,
  StoreRecipe,
  WeightsPlan,
} from '../convert/weights.ts'
import { AppError } from '../pack/failure.ts'
import { FORMAT_VERSION, type PackReader, type Precision } from '../pack/manifest.ts'
import { configOf, type Size } from './dimensions.ts'
import { valueSource, type ValueSource } from './values.ts'

export interface SyntheticPackOptions {
  size: Size
  precision: Precision
  seed: number
  accuracyLevel?: AccuracyLevel
}

/** Every call of `file` makes the bytes anew, the same ones each time. Chunks and hashes are not part of it. */
export function syntheticPack({
  size,
  precision,
  seed,
  accuracyLevel = 0,
}: SyntheticPackOptions): PackReader {
  const model = readModel(parseConfig(configOf(size)))
  const plan = planConversion(model, precision, accuracyLevel)
  const source = valueSource(seed)
  const weights = plan.weights.map((file) => ({
    path: file.path,
    bytes: file.bytes,
    chunks: [],
  }))
  const { imageSize } = model
  return {
    manifest: {
      format: 'pictalk-pack',
      version: FORMAT_VERSION,
      name: `synthetic ${size}`,
      precision,
      fingerprint: '',
      licence: null,
      parameters: parametersOf(plan),
      ...plan.model,
      preprocessing: { size: imageSize, rescaleFactor: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
      tokenizer: {},
      files: [
        ...plan.graphs.map(({ path, bytes }) => ({ path, bytes: bytes.length, chunks: [] })),
        ...weights,
      ],
      checks: [],
      unknownTensors: [],
    },
    file: (path) => Promise.resolve(fileOf(path, plan, source)),
  }
}

/** Of every tensor once, though two parts may read the same one. */
function parametersOf({ weights }: ConversionPlan): number {
  const sources = weights.flatMap(({ recipes }) => recipes.flatMap((recipe) => recipe.sources))
  const shapes = new Map(sources.map(({ tensor, shape }) => [tensor, shape]))
  return [...shapes.values()].reduce((sum, shape) => sum + elementsOf(shape), 0)
}

function fileOf(path: string, plan: ConversionPlan, source: ValueSource): Uint8Array<ArrayBuffer> {
  const graph = plan.graphs.find((file) => file.path === path)
  if (graph !== undefined) return graph.bytes
  const weights = plan.weights.find((file) => file.path === path)
  if (weights === undefined) throw new AppError('bad-pack', `There is no ${path} in a synthetic pack.`)
  return weightsOf(weights, source)
}

function weightsOf(plan: WeightsPlan, source: ValueSource): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(plan.bytes)
  const noise = noiseBlock(source, largestMatrix(plan))
  for (const recipe of plan.recipes) {
    if (recipe.kind === 'quantise') quantised(file, recipe, source, noise)
    else if (recipe.kind === 'store') stored(file, recipe, source)
    else interpolated(file, recipe, source)
  }
  return file
}

function stored(file: Uint8Array, { sources, output }: StoreRecipe, source: ValueSource): void {
  const width = output.type === 'float16' ? 2 : 4
  let { offset } = output
  for (const { tensor, shape } of sources) {
    const count = shape.reduce((product, size) => product * size, 1)
    put(file, offset, source.values(tensor, shape, 0, count), output.type)
    offset += count * width
  }
}

function interpolated(file: Uint8Array, { output }: InterpolateRecipe, source: ValueSource): void {
  const count = output.dims.reduce((product, size) => product * size, 1)
  put(file, output.offset, source.values(output.name, output.dims, 0, count), output.type)
}

/** Standard deviation of the dequantised weights is about that of the made-up checkpoints. */
const SCALE = { 4: 0.0043, 8: 0.00027 } as const

function quantised(file: Uint8Array, recipe: QuantiseRecipe, source: ValueSource, noise: Uint8Array): void {
  const { packed, scales, bits } = recipe
  for (let done = 0; done < packed.bytes; done += noise.length)
    file.set(noise.subarray(0, Math.min(noise.length, packed.bytes - done)), packed.offset + done)
  const [rows = 1, blocks = 1] = scales.dims
  // Norm gains lie about one: just what a factor on a scale should do.
  const factors = source.values(`${scales.name}.norm.weight`, [rows * blocks], 0, rows * blocks)
  put(
    file,
    scales.offset,
    factors.map((factor) => factor * SCALE[bits]),
    scales.type,
  )
}

function put(
  file: Uint8Array,
  offset: number,
  values: Float32Array<ArrayBuffer>,
  type: Initialiser['type'],
): void {
  const out = type === 'float16' ? f32ToF16(values).values : values
  file.set(new Uint8Array(out.buffer, out.byteOffset, out.byteLength), offset)
}

/** A prime number of bytes, so that no two rows of a matrix are alike. */
const NOISE_BYTES = 4_000_037

/** The first `bytes` of it, or all. Of a small model's file it would take seconds to make the rest, which nobody reads. */
function noiseBlock(source: ValueSource, bytes: number): Uint8Array {
  const values = source.values('noise', [NOISE_BYTES], 0, Math.min(bytes, NOISE_BYTES))
  // The low bits of the mantissa of random numbers are as good as random.
  return new Uint8Array(new Uint32Array(values.buffer).map((bits) => (bits ^ (bits >>> 8)) & 255))
}

/** Bytes of the largest quantised matrix in a file. */
function largestMatrix({ recipes }: WeightsPlan): number {
  return Math.max(0, ...recipes.map((recipe) => (recipe.kind === 'quantise' ? recipe.packed.bytes : 0)))
}
