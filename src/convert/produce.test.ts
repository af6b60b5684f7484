import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Checkpoint, TensorInfo } from './checkpoint.ts'
import { f32ToF16 } from './dtypes.ts'
import { produce, sourceBytesOf, type Step } from './produce.ts'
import { dequantiseBlocks, quantiseBlocks } from './quantise.ts'
import type { Initialiser, QuantiseRecipe, Recipe, Source, StoredType, StoreRecipe } from './weights.ts'

interface Read {
  tensor: string
  count: number
}

/** A checkpoint out of plain numbers that notes each read. `gate` may hold a read back. */
function checkpointOf(
  tensors: Record<string, { shape: number[]; values: Float32Array; dtype?: TensorInfo['dtype'] }>,
  gate: (read: Read) => Promise<void> = () => Promise.resolve(),
): Checkpoint & { reads: Read[] } {
  const reads: Read[] = []
  const readElements: Checkpoint['readElements'] = async (tensor, first, count) => {
    reads.push({ tensor, count })
    await gate({ tensor, count })
    return tensors[tensor]?.values.slice(first, first + count) ?? expect.unreachable()
  }
  const infos = Object.entries(tensors).map(([name, { shape, dtype = 'F32' }]): [string, TensorInfo] => [
    name,
    { dtype, shape, file: 'm', start: 0, end: 0 },
  ])
  const readRows = (): never => expect.unreachable('produce reads elements')
  return { tensors: new Map(infos), files: [], byteLength: 0, readElements, readRows, reads }
}

function numbers(count: number, seed = 1): Float32Array {
  const values = new Float32Array(count)
  for (let i = 0; i < count; i += 1) values[i] = (((i + seed) * 7919) % 2003) / 1000 - 1
  return values
}

const WIDTH = { float32: 4, float16: 2, uint8: 1 }

function initialiser(type: StoredType, dims: number[], offset: number): Initialiser {
  return { name: 'out', type, dims, offset, bytes: dims.reduce((a, b) => a * b, WIDTH[type]) }
}

function store(
  sources: Source[],
  type: StoredType,
  dims: number[],
  transpose = false,
  offset = 64,
): StoreRecipe {
  return { kind: 'store', sources, transpose, output: initialiser(type, dims, offset) }
}

function quantise(
  sources: Source[],
  rows: number,
  columns: number,
  bits: 4 | 8,
  scales: StoredType,
): QuantiseRecipe {
  const blocks = Math.ceil(columns / 32)
  const packed = initialiser('uint8', [rows, blocks * 4 * bits], 128)
  const after = Math.ceil((128 + packed.bytes) / 64) * 64
  return {
    kind: 'quantise',
    bits,
    blockSize: 32,
    sources,
    rows,
    columns,
    packed,
    scales: initialiser(scales, [rows, blocks], after),
  }
}

async function stepsOf(recipes: Recipe[], checkpoint: Checkpoint): Promise<Step[]> {
  const steps: Step[] = []
  for await (const step of produce(recipes, checkpoint)) steps.push(step)
  return steps
}

/** All bytes of an initialiser, out of the pieces that cover it. */
function bytesAt({ offset, bytes }: Initialiser, steps: Step[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes)
  let covered = 0
  for (const piece of steps.flatMap((step) => step.pieces)) {
    if (piece.offset < offset || piece.offset >= offset + bytes) continue
    result.set(piece.bytes, piece.offset - offset)
    covered += piece.bytes.length
  }
  expect(covered).toBe(bytes)
  return result
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length)
  for (let i = 0; i < values.length; i += 1)
    turned[i] = values[(i % rows) * columns + Math.floor(i / rows)] ?? NaN
  return turned
}

describe('storing', () => {
  const q = { shape: [3, 5], values: numbers(15, 1) }
  const k = { shape: [2, 5], values: numbers(10, 2) }
  const sources = [
    { tensor: 'q', shape: [3, 5] },
    { tensor: 'k', shape: [2, 5] },
  ]
  const stacked = Float32Array.of(...q.values, ...k.values)

  it('stacks sources by rows as float32', async () => {
    const recipe = store(sources, 'float32', [5, 5])
    const bytes = bytesAt(recipe.output, await stepsOf([recipe], checkpointOf({ q, k })))
    expect(new Float32Array(bytes.buffer)).toEqual(stacked)
  })

  it('concatenates vectors and scalars', async () => {
    const checkpoint = checkpointOf({
      a: { shape: [3], values: numbers(3) },
      b: { shape: [], values: numbers(1, 2) },
    })
    const recipe = store(
      [
        { tensor: 'a', shape: [3] },
        { tensor: 'b', shape: [] },
      ],
      'float32',
      [4],
    )
    const bytes = bytesAt(recipe.output, await stepsOf([recipe], checkpoint))
    expect(new Float32Array(bytes.buffer)).toEqual(Float32Array.of(...numbers(3), ...numbers(1, 2)))
  })

  it.each(['float32', 'float16'] as const)('transposes what it stacked, as %s', async (type) => {
    const recipe = store(sources, type, [5, 5], true)
    const { buffer } = bytesAt(recipe.output, await stepsOf([recipe], checkpointOf({ q, k })))
    const expected = transposed(stacked, 5, 5)
    if (type === 'float32') expect(new Float32Array(buffer)).toEqual(expected)
    else expect(new Uint16Array(buffer)).toEqual(f32ToF16(expected).values)
  })

  it('transposes a matrix that takes several bands', async () => {
    const [rows, columns] = [2100, 4001]
    const values = numbers(rows * columns)
    const checkpoint = checkpointOf({ w: { shape: [rows, columns], values } })
    const recipe = store([{ tensor: 'w', shape: [rows, columns] }], 'float32', [columns, rows], true)
    const steps = await stepsOf([recipe], checkpoint)
    expect(checkpoint.reads.length).toBe(5)
    const result = new Float32Array(bytesAt(recipe.output, steps).buffer)
    expect(
      Buffer.compare(new Uint8Array(result.buffer), new Uint8Array(transposed(values, rows, columns).buffer)),
    ).toBe(0)
  })

  it('keeps a kernel of more dimensions together: [outputs, channels, height, width]', async () => {
    const values = numbers(4 * 3 * 2 * 2)
    const recipe = store([{ tensor: 'w', shape: [4, 3, 2, 2] }], 'float32', [12, 4], true)
    const steps = await stepsOf([recipe], checkpointOf({ w: { shape: [4, 3, 2, 2], values } }))
    expect(new Float32Array(bytesAt(recipe.output, steps).buffer)).toEqual(transposed(values, 4, 12))
  })
})

describe('quantising', () => {
  it.each([
    [4, 'float32', 96],
    [4, 'float16', 40],
    [8, 'float32', 33],
    [8, 'float16', 64],
  ] as const)(
    'gives what quantising the stacked matrix at once gives (%i bits, %s scales, %i columns)',
    async (bits, scaleType, columns) => {
      const [a, b] = [numbers(7 * columns), numbers(2 * columns, 3)]
      const shapes = { a: [7, columns], b: [2, columns] }
      const checkpoint = checkpointOf({
        a: { shape: shapes.a, values: a },
        b: { shape: shapes.b, values: b },
      })
      const recipe = quantise(
        [
          { tensor: 'a', shape: shapes.a },
          { tensor: 'b', shape: shapes.b },
        ],
        9,
        columns,
        bits,
        scaleType,
      )
      const steps = await stepsOf([recipe], checkpoint)
      const whole = quantiseBlocks(Float32Array.of(...a, ...b), 9, columns, bits, scaleType)
      expect(bytesAt(recipe.packed, steps)).toEqual(whole.packed)
      expect(bytesAt(recipe.scales, steps)).toEqual(new Uint8Array(whole.scales.buffer))
      expect(dequantiseBlocks(whole, 9, columns, bits)[columns]).toBeCloseTo(
        a[columns] ?? NaN,
        bits === 4 ? 0 : 2,
      )
    },
  )

  it('streams packed bytes band by band and never asks for more than 8 MiB', async () => {
    const [rows, columns] = [3300, 4096]
    const checkpoint = checkpointOf({ w: { shape: [rows, columns], values: numbers(rows * columns) } })
    const recipe = quantise([{ tensor: 'w', shape: [rows, columns] }], rows, columns, 8, 'float32')
    const sizes = (await stepsOf([recipe], checkpoint)).map((step) =>
      step.pieces.map(({ bytes }) => bytes.length),
    )
    const bands = Array.from({ length: 6 }, () => 2 ** 21)
    expect(checkpoint.reads.map(({ count }) => count)).toEqual([...bands, 228 * 4096])
    expect(sizes).toEqual([...bands.map((elements) => [elements]), [228 * 4096, 3300 * 128 * 4]])
  })
})

describe('the order of things', () => {
  const vectors = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`v${i}`, { shape: [4], values: numbers(4, i + 1) }]),
  )
  const recipes = Object.keys(vectors).map((tensor, i) =>
    store([{ tensor, shape: [4] }], 'float32', [4], false, i * 64),
  )

  it('gives ascending pieces and steps that add up to the announced bytes', async () => {
    const checkpoint = checkpointOf(vectors)
    const steps = await stepsOf(recipes, checkpoint)
    expect(steps.flatMap(({ pieces }) => pieces.map(({ offset }) => offset))).toEqual(
      recipes.map((_, i) => i * 64),
    )
    expect(steps.reduce((sum, { sourceBytes }) => sum + sourceBytes, 0)).toBe(
      sourceBytesOf(recipes, checkpoint),
    )
    expect(sourceBytesOf(recipes, checkpoint)).toBe(20 * 16)
  })

  it('counts 16-bit sources as the bytes they are', () => {
    const checkpoint = checkpointOf({ a: { shape: [3], values: numbers(3), dtype: 'BF16' } })
    expect(sourceBytesOf([store([{ tensor: 'a', shape: [3] }], 'float32', [3])], checkpoint)).toBe(6)
  })

  it('has a few small reads under way at once, and three large ones while one is worked on', async () => {
    let running = 0
    let most = 0
    const gate = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 1))
      running--
    }
    await stepsOf(recipes, checkpointOf(vectors, gate))
    expect(most).toBe(8)

    const shape = [4096, 4096]
    const large = checkpointOf({ w: { shape, values: new Float32Array(4096 * 4096) } })
    const seen: number[] = []
    for await (const step of produce([store([{ tensor: 'w', shape }], 'float32', shape)], large)) {
      expect(step.pieces).toHaveLength(1)
      seen.push(large.reads.length)
    }
    expect(seen).toEqual([4, 5, 6, 7, 8, 8, 8, 8])
  })

  it('reads into memory of bands that were worked through, and loses nothing by it', async () => {
    const shape = [5 * 1024, 2048]
    const values = numbers(5 * 1024 * 2048)
    const source = [{ tensor: 'w', shape }]
    const recipes = [store(source, 'float32', shape), store(source, 'float16', shape)]
    const plain = checkpointOf({ w: { shape, values } })
    const buffers = new Set<ArrayBuffer>()
    const reads: number[] = []
    const reusing: Checkpoint = {
      ...plain,
      readElements: async (_, first, count, __, memory) => {
        const into = memory ?? new ArrayBuffer(4 * count)
        expect(into.byteLength).toBe(4 * count)
        buffers.add(into)
        reads.push(count)
        // At once: memory that is still looked at would be spoilt.
        const read = new Float32Array(into)
        read.set(values.subarray(first, first + count))
        await Promise.resolve()
        return read
      },
    }
    /** What is written, as it is written: pieces do not hold longer. */
    const written = async (checkpoint: Checkpoint): Promise<string> => {
      const hash = createHash('sha256')
      for await (const { pieces } of produce(recipes, checkpoint))
        for (const { offset, bytes } of pieces) hash.update(`${offset}`).update(bytes)
      return hash.digest('hex')
    }
    expect(await written(reusing)).toBe(await written(plain))
    expect(reads.length).toBe(10)
    expect(buffers.size).toBeLessThanOrEqual(5)
  })

  it.each([
    ['F32', true],
    ['BF16', false],
  ] as const)(
    'lends memory of bands for %s: %s, since only what is read as it lies has its length',
    async (dtype, isLent) => {
      const values = new Float32Array(16)
      const sources = Array.from({ length: 12 }, (_, i) => ({ tensor: `v${i}`, shape: [16] }))
      const plain = checkpointOf(
        Object.fromEntries(sources.map(({ tensor, shape }) => [tensor, { shape, values, dtype }])),
      )
      const lent: boolean[] = []
      const readElements: Checkpoint['readElements'] = (_, __, ___, ____, memory) => {
        lent.push(memory !== undefined)
        return Promise.resolve(values.slice())
      }
      await stepsOf([store(sources, 'float32', [12 * 16])], { ...plain, readElements })
      expect(lent).toHaveLength(12)
      expect(lent.includes(true)).toBe(isLent)
    },
  )

  it('reads nothing more once it is cancelled, and leaves no rejection behind', async () => {
    const stop = new AbortController()
    const checkpoint = checkpointOf(vectors, ({ tensor }) =>
      tensor === 'v9' ? Promise.reject(new Error('the network went away')) : Promise.resolve(),
    )
    const run = async (): Promise<void> => {
      for await (const step of produce(recipes, checkpoint, stop.signal))
        if (step.tensor === 'v1') stop.abort()
    }
    await expect(run()).rejects.toMatchObject({ code: 'cancelled' })
    expect(checkpoint.reads.length).toBeLessThanOrEqual(10)
  })
})

describe('what cannot be produced', () => {
  const good = { shape: [2], values: numbers(2) }
  const recipeFor = (tensor: string, shape = [2], type: StoredType = 'float32'): StoreRecipe =>
    store([{ tensor, shape }], type, shape)

  it.each<[string, StoreRecipe, string, RegExp]>([
    ['a tensor that is not there', recipeFor('none'), 'bad-checkpoint', /no tensor none/],
    [
      'a tensor of another shape',
      recipeFor('good', [3]),
      'bad-checkpoint',
      /good is \[2\], but config\.json asks for \[3\]/,
    ],
    ['a tensor of a type that holds no weights', recipeFor('ids'), 'bad-checkpoint', /ids is stored as I64/],
    ['NaN', recipeFor('nan'), 'bad-checkpoint', /nan contains NaN/],
    ['infinity', recipeFor('infinite'), 'bad-checkpoint', /infinite contains -Infinity/],
    [
      'numbers beyond float16',
      recipeFor('large', [2], 'float16'),
      'bad-checkpoint',
      /large .*65504.*fp32, q8 or q4/,
    ],
    [
      'an output that does not fit its sources',
      store([{ tensor: 'good', shape: [2] }], 'float32', [3]),
      'bug',
      /plan for out/,
    ],
  ])('is refused: %s', async (_, recipe, code, message) => {
    const checkpoint = checkpointOf({
      good,
      ids: { ...good, dtype: 'I64' },
      nan: { shape: [2], values: Float32Array.of(1, NaN) },
      infinite: { shape: [2], values: Float32Array.of(-Infinity, 1) },
      large: { shape: [2], values: Float32Array.of(1, 70000) },
    })
    const run = stepsOf([recipe], checkpoint)
    await expect(run).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string })
  })

  it('is refused before anything is read where the table of tensors already tells', async () => {
    const checkpoint = checkpointOf({ good })
    await expect(stepsOf([recipeFor('good'), recipeFor('none')], checkpoint)).rejects.toMatchObject({
      code: 'bad-checkpoint',
    })
    expect(checkpoint.reads).toEqual([])
  })

  it('includes matrices whose float16 scales would overflow', async () => {
    const values = new Float32Array(32).fill(1e7)
    const recipe = quantise([{ tensor: 'w', shape: [1, 32] }], 1, 32, 4, 'float16')
    const run = stepsOf([recipe], checkpointOf({ w: { shape: [1, 32], values } }))
    await expect(run).rejects.toMatchObject({
      code: 'bad-checkpoint',
      message: expect.stringContaining('w ') as string,
    })
  })
})
