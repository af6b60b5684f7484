/**
 * Carries out recipes: reads source tensors in bands and yields the bytes of their initialisers in file order. Plan,
 * then do: the bands of all recipes are listed first, so that the next ones are being read while one is computed.
 *
 * Memory: four bands of at most 8 MiB of float32, and what a recipe must hold until its end: the scales of a
 * quantised matrix (1/32 of its elements), or the whole of a transposed one.
 */
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import { elementsOf, readableBytes, type Checkpoint } from './checkpoint.ts'
import { f32ToF16, firstNonFinite } from './dtypes.ts'
import { BandMemory } from './band-memory.ts'
import { interpolatePositions } from './positions.ts'
import { fastQuantise } from './simd/quantise.ts'
import {
  outputsOf,
  type InterpolateRecipe,
  type QuantiseRecipe,
  type Recipe,
  type StoredType,
  type StoreRecipe,
} from './weights.ts'

/** Bytes for a place in the weights file. Pieces ascend; what lies between two is alignment, the writer's affair. */
export interface Piece {
  /** From the start of the graph's weights file. */
  offset: number
  /** Those hold until the next step is asked for. */
  bytes: Uint8Array<ArrayBuffer>
}

/** What a step of the work did. A step may yield no piece yet (a transposed matrix) or several (packed and scales). */
export interface Step {
  pieces: Piece[]
  /** The tensor that was read, and how many bytes of the checkpoint that took. */
  tensor: string
  sourceBytes: number
}

/** A band holds at most this many elements, 8 MiB as float32, unless a single row has more. */
const BAND_ELEMENTS = 2 ** 21

/** Bands on their way may hold this much together: while one crosses the line, the next has been asked for. */
const ELEMENTS_AHEAD = 3 * BAND_ELEMENTS

/**
 * So many requests are on their way at most: the many small tensors of a layer are then fetched side by side, which
 * matters where each costs a round trip.
 */
const REQUESTS_AHEAD = 8

const FLOAT_BYTES = 4

/** A run of elements of one tensor. */
interface Band {
  recipe: Recipe
  tensor: string
  first: number
  count: number
  /** Where the run begins within the recipe's stacked elements. */
  position: number
  last: boolean
}

/** Bytes of the checkpoint that the recipes read: the total that steps add up to. */
export function sourceBytesOf(recipes: readonly Recipe[], checkpoint: Checkpoint): number {
  return recipes
    .flatMap((recipe) => recipe.sources)
    .reduce((sum, { tensor, shape }) => sum + elementsOf(shape) * elementBytes(checkpoint, tensor), 0)
}

/**
 * Carries out the recipes one after the other. Throws `bad-checkpoint`, before anything is read, when a tensor is
 * missing or has another shape or type than planned, and later when it holds a number that cannot be stored.
 */
export async function* produce(
  recipes: readonly Recipe[],
  checkpoint: Checkpoint,
  signal?: AbortSignal,
): AsyncGenerator<Step, void, undefined> {
  for (const recipe of recipes) checkRecipe(recipe, checkpoint)
  let maker: Maker | undefined
  for await (const { band, values } of readAhead(recipes.flatMap(bandsOf), checkpoint, signal)) {
    const bad = firstNonFinite(values)
    if (bad >= 0) throw notFinite(band.tensor, values[bad])
    maker ??= makerOf(band.recipe)
    const pieces = maker(band, values)
    if (band.last) maker = undefined
    yield { pieces, tensor: band.tensor, sourceBytes: band.count * elementBytes(checkpoint, band.tensor) }
  }
}

/** Turns the bands of one recipe, in order, into pieces. */
type Maker = (band: Band, values: Float32Array<ArrayBuffer>) => Piece[]

function makerOf(recipe: Recipe): Maker {
  if (recipe.kind === 'quantise') return quantising(recipe)
  if (recipe.kind === 'interpolate') return interpolating(recipe)
  return recipe.transpose ? transposing(recipe) : storing(recipe)
}

function storing({ output }: StoreRecipe): Maker {
  const width = widthOf(output.type)
  return ({ tensor, position }, values) => [
    { offset: output.offset + position * width, bytes: encode(values, output.type, tensor) },
  ]
}

/** Scatters each band into the finished matrix, the only copy of it there is. */
function transposing({ sources, output }: StoreRecipe): Maker {
  const columns = columnsOf(sources)
  const rows = stackedElements(sources) / columns
  const finished =
    output.type === 'float32' ? new Float32Array(rows * columns) : new Uint16Array(rows * columns)
  return ({ tensor, position, last }, values) => {
    const stored = output.type === 'float32' ? values : halves(values, tensor)
    scatter(stored, finished, position, rows, columns)
    return last ? [{ offset: output.offset, bytes: bytesOf(finished) }] : []
  }
}

/** Source element `position + i` of [rows, columns] goes to its place in [columns, rows]. */
function scatter(
  source: Float32Array | Uint16Array,
  target: Float32Array | Uint16Array,
  position: number,
  rows: number,
  columns: number,
): void {
  const firstRow = position / columns
  const bandRows = source.length / columns
  // Column by column: writes are then sequential, and 32 bands of rows stay in the cache while they are read.
  for (let from = 0; from < bandRows; from += 32) {
    const to = Math.min(bandRows, from + 32)
    for (let column = 0; column < columns; column++) {
      const base = column * rows + firstRow
      for (let row = from; row < to; row++) target[base + row] = source[row * columns + column] ?? 0
    }
  }
}

/** Gathers the stored positions, of which there are few. */
function interpolating({ sources, output, ...change }: InterpolateRecipe): Maker {
  const gathered = new Float32Array(stackedElements(sources))
  return ({ tensor, position, last }, values) => {
    gathered.set(values, position)
    if (!last) return []
    const width = sources[0]?.shape.at(-1) ?? 1
    const positions = interpolatePositions(gathered, change, width)
    return [{ offset: output.offset, bytes: encode(positions, output.type, tensor) }]
  }
}

function quantising({ bits, blockSize, columns, rows, packed, scales }: QuantiseRecipe): Maker {
  const blocksPerRow = Math.ceil(columns / blockSize)
  const scaleType = scales.type === 'float16' ? 'float16' : 'float32'
  const allScales =
    scaleType === 'float16' ? new Uint16Array(rows * blocksPerRow) : new Float32Array(rows * blocksPerRow)
  return ({ tensor, position, last }, values) => {
    const firstRow = position / columns
    const band = fastQuantise()(values, values.length / columns, columns, bits, scaleType, blockSize)
    if (band.overflows > 0) throw tooLarge(tensor)
    allScales.set(band.scales, firstRow * blocksPerRow)
    const rowBytes = packed.bytes / rows
    const pieces: Piece[] = [{ offset: packed.offset + firstRow * rowBytes, bytes: band.packed }]
    if (last) pieces.push({ offset: scales.offset, bytes: bytesOf(allScales) })
    return pieces
  }
}

function encode(
  values: Float32Array<ArrayBuffer>,
  type: StoredType,
  tensor: string,
): Uint8Array<ArrayBuffer> {
  return bytesOf(type === 'float16' ? halves(values, tensor) : values)
}

function halves(values: Float32Array, tensor: string): Uint16Array<ArrayBuffer> {
  const { values: stored, overflows } = f32ToF16(values)
  if (overflows > 0) throw tooLarge(tensor)
  return stored
}

function bytesOf(values: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** Cuts each source into runs of whole rows where the recipe thinks in rows, else of whatever fits a band. */
function bandsOf(recipe: Recipe): Band[] {
  const whole = inWholeRows(recipe) ? columnsOfRecipe(recipe) : 1
  const step = Math.max(1, Math.floor(BAND_ELEMENTS / whole)) * whole
  const bands: Band[] = []
  let position = 0
  for (const { tensor, shape } of recipe.sources) {
    const elements = elementsOf(shape)
    for (let first = 0; first < elements; first += step) {
      const count = Math.min(step, elements - first)
      bands.push({ recipe, tensor, first, count, position: position + first, last: false })
    }
    position += elements
  }
  const final = bands.at(-1)
  if (final) final.last = true
  return bands
}

/** Reads bands in order, with the following ones already under way. Values hold until the next band is asked for. */
async function* readAhead(
  bands: readonly Band[],
  checkpoint: Checkpoint,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ band: Band; values: Float32Array<ArrayBuffer> }, void, undefined> {
  const underWay: { band: Band; values: Promise<Float32Array<ArrayBuffer>> }[] = []
  const memory = new BandMemory()
  let ahead = 0
  let next = 0
  const request = (): void => {
    for (let band = bands[next]; band !== undefined; band = bands[next]) {
      const fits = underWay.length < REQUESTS_AHEAD && ahead + band.count <= ELEMENTS_AHEAD
      if (underWay.length > 0 && !fits) return
      const lent = isFloat32(checkpoint, band) ? memory.take(FLOAT_BYTES * band.count) : undefined
      const values = checkpoint.readElements(band.tensor, band.first, band.count, signal, lent)
      // Whoever stops listening early leaves requests behind; their failure is then nobody's concern.
      values.catch(() => undefined)
      underWay.push({ band, values })
      ahead += band.count
      next++
    }
  }
  request()
  for (let current = underWay.shift(); current !== undefined; current = underWay.shift()) {
    throwIfCancelled(signal)
    const values = await current.values
    ahead -= current.band.count
    request()
    yield { band: current.band, values }
    // What was made of them is in memory of its own by now, or written.
    if (isFloat32(checkpoint, current.band)) memory.give(values.buffer)
  }
}

/** Whether values are as long as they lie in the checkpoint: those of others are widened into memory of their own. */
function isFloat32({ tensors }: Checkpoint, { tensor }: Band): boolean {
  return tensors.get(tensor)?.dtype === 'F32'
}

function checkRecipe(recipe: Recipe, checkpoint: Checkpoint): void {
  for (const { tensor, shape } of recipe.sources) {
    const info = checkpoint.tensors.get(tensor)
    if (!info)
      throw new AppError('bad-checkpoint', `The checkpoint has no tensor ${tensor}; is it another model?`)
    if (
      info.shape.length !== shape.length ||
      info.shape.some((dimension, axis) => dimension !== shape[axis])
    ) {
      const wanted = `config.json asks for [${shape.join(', ')}]`
      throw new AppError(
        'bad-checkpoint',
        `${tensor} is [${info.shape.join(', ')}], but ${wanted}; they do not belong together.`,
      )
    }
    elementBytes(checkpoint, tensor)
  }
  checkPlan(recipe)
}

/** A plan that contradicts itself is our own mistake; better found here than as a garbled pack. */
function checkPlan(recipe: Recipe): void {
  const elements = stackedElements(recipe.sources)
  const fit = recipe.kind === 'quantise' ? quantisedFits(recipe, elements) : storedFits(recipe, elements)
  const columns = columnsOfRecipe(recipe)
  const inRows =
    !inWholeRows(recipe) || recipe.sources.every(({ shape }) => elementsOf(shape) % columns === 0)
  if (fit && inRows && elements > 0) return
  const names = outputsOf(recipe).map(({ name }) => name)
  throw new AppError('bug', `The plan for ${names.join(' and ')} does not fit its sources.`)
}

/** Whether a recipe's bands are whole rows. */
function inWholeRows(recipe: Recipe): boolean {
  return recipe.kind === 'quantise' || (recipe.kind === 'store' && recipe.transpose)
}

function storedFits(recipe: StoreRecipe | InterpolateRecipe, elements: number): boolean {
  const { type, bytes } = recipe.output
  const [ours, theirs] = recipe.kind === 'store' ? [1, 1] : [1 + recipe.to ** 2, 1 + recipe.from ** 2]
  return type !== 'uint8' && bytes * theirs === ours * elements * widthOf(type)
}

function quantisedFits(recipe: QuantiseRecipe, elements: number): boolean {
  const { rows, columns, bits, blockSize, packed, scales } = recipe
  const blocks = rows * Math.ceil(columns / blockSize)
  const packedFits = packed.type === 'uint8' && packed.bytes === (blocks * blockSize * bits) / 8
  return (
    elements === rows * columns &&
    packedFits &&
    scales.type !== 'uint8' &&
    scales.bytes === blocks * widthOf(scales.type)
  )
}

function elementBytes(checkpoint: Checkpoint, tensor: string): number {
  const dtype = checkpoint.tensors.get(tensor)?.dtype
  const bytes = dtype === undefined ? undefined : readableBytes(dtype)
  if (bytes !== undefined) return bytes
  const stored = dtype === undefined ? 'missing' : `stored as ${dtype}`
  throw new AppError('bad-checkpoint', `${tensor} is ${stored}; only F32, F16 and BF16 can be converted.`)
}

function columnsOfRecipe(recipe: Recipe): number {
  return recipe.kind === 'quantise' ? recipe.columns : columnsOf(recipe.sources)
}

/** Everything but the first dimension; sources of one recipe agree in it. */
function columnsOf(sources: Recipe['sources']): number {
  return elementsOf(sources[0]?.shape.slice(1) ?? [])
}

function stackedElements(sources: Recipe['sources']): number {
  return sources.reduce((sum, { shape }) => sum + elementsOf(shape), 0)
}

function widthOf(type: StoredType): number {
  return { float32: 4, float16: 2, uint8: 1 }[type]
}

function notFinite(tensor: string, value: number | undefined): AppError {
  return new AppError(
    'bad-checkpoint',
    `${tensor} contains ${String(value)}, so it is damaged; download it again.`,
  )
}

function tooLarge(tensor: string): AppError {
  const why = `${tensor} contains numbers beyond ±65504, which float16 cannot hold`
  return new AppError('bad-checkpoint', `${why}; convert with --precision fp32, q8 or q4 instead.`)
}
