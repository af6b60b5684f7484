import { describe, expect, it } from 'vitest'
import {
  bytesOf,
  exactMatrix,
  kernelBench,
  numbersOf,
  randomMatrix,
  shapes,
  stateBytes,
  worstError,
  type Values,
  type Way,
  WIDTHS,
} from '../../../../../testing/gpu/kernel-bench.ts'
import { f16ToF32 } from '../../../../pack/float16.ts'
import type { RunState } from '../../gpu/state.ts'
import type { BlockFormat } from '../../gpu/weights-format.ts'
import { bestScoreReference } from '../choose/reference.ts'
import { chooseKernel, choiceOf } from '../choose/choose.ts'
import { normReference } from '../norm/reference.ts'
import {
  productKernel,
  rowsOfWorkgroup,
  workgroupsOf,
  type ProductOptions,
  type ProductShape,
} from './product.ts'
import { productReference, type StoredMatrix } from './reference.ts'

const bench = kernelBench()

const ONE_ROW: RunState = { capacity: 8, logitRow: 0, rows: [{ source: { token: 0 }, position: 0, slot: 0 }] }

const F32 = { bits: 4, blockSize: 32, scales: 'float32' } as const
const plain = { floats: 4, norm: null, biasAt: null, into: { kind: 'plain' } } as const
const tuning = { threads: 64, lanes: 16, rowsPerThread: 4 }

interface Run {
  matrix: StoredMatrix
  input: Float32Array
  floats?: Float32Array
  output?: Float32Array
  run?: RunState
  more?: Values[]
  way?: Way
}

async function product(
  shape: Omit<ProductShape, 'inputs' | 'outputs' | 'format'>,
  { matrix, input, floats = new Float32Array(4), output, run = ONE_ROW, more = [], way = 'memory' }: Run,
  options: Partial<ProductOptions> = {},
): Promise<GPUBuffer[]> {
  const whole = { ...shape, inputs: matrix.inputs, outputs: matrix.outputs, format: matrix.format }
  const choice = { ...tuning, packed4x8: bench.packed4x8, ...options }
  const buffers = [
    input,
    floats,
    matrix.packed,
    matrix.scales,
    stateBytes(run),
    output ?? new Float32Array(matrix.outputs),
    ...more,
  ].map((values) => bench.buffer(values))
  const kernel = bench.kernel(way, (together) => productKernel(whole, { ...choice, together }))
  await bench.run(kernel, buffers, [workgroupsOf(whole, choice), 1, 1])
  return buffers.slice(5)
}

describe('one row times a quantised matrix', () => {
  it.each(
    shapes<BlockFormat & { outputs: number; inputs: number }>(
      [
        { outputs: 100, inputs: 160, ...F32 },
        { outputs: 17, inputs: 256, bits: 8, blockSize: 32, scales: 'float16' },
      ],
      [
        { outputs: 64, inputs: 32, ...F32 },
        { outputs: 1, inputs: 64, ...F32 },
        { outputs: 65, inputs: 1408, ...F32, scales: 'float16' },
        { outputs: 40, inputs: 10240, ...F32 },
        { outputs: 40, inputs: 2560, bits: 4, blockSize: 64, scales: 'float16' },
        { outputs: 40, inputs: 2560, bits: 4, blockSize: 128, scales: 'float32' },
        { outputs: 831, inputs: 160, bits: 8, blockSize: 32, scales: 'float32' },
      ],
    ),
  )('is exact for whole numbers: $outputs x $inputs, $bits bits of $blockSize, $scales', async (of) => {
    const numbers = numbersOf(1)
    const matrix = exactMatrix(numbers, of.outputs, of.inputs, of)
    const input = numbers.whole(of.inputs)
    const expected = productReference(matrix, input, null).values
    const spread: Partial<ProductOptions>[] = [
      { threads: 256, lanes: 64, rowsPerThread: 2 },
      { threads: 32, lanes: 4, rowsPerThread: 1 },
    ]
    for (const [way, options] of shapes<[Way, Partial<ProductOptions>]>(
      [
        ['memory', {}],
        ['own', {}],
      ],
      [
        ['memory', { packed4x8: false }],
        ...(['memory', ...WIDTHS] as Way[]).flatMap((each) =>
          spread.map((one): [Way, typeof one] => [each, one]),
        ),
      ],
    )) {
      const [output] = await product(plain, { matrix, input, way }, options)
      if (output === undefined) throw new Error('no output')
      expect(await bench.floats(output, of.outputs)).toEqual(Float32Array.from(expected))
    }
  })

  it('stays within rounding for values of any size, with bias, ReLU and residual', async () => {
    const numbers = numbersOf(2)
    const matrix = randomMatrix(numbers, 72, 320, F32)
    const [input, bias, before] = [numbers.uniform(320), numbers.uniform(72), numbers.uniform(72)]
    const { values, sizes } = productReference(matrix, input, bias)
    const given = { matrix, input, floats: bias }
    const of = { floats: 72, norm: null, biasAt: 0 }
    const [relu] = await product({ ...of, into: { kind: 'relu' } }, given)
    const [residual] = await product({ ...of, into: { kind: 'residual' } }, { ...given, output: before })
    if (relu === undefined || residual === undefined) throw new Error('no output')
    expect(values.some((value) => value < 0)).toBe(true)
    expect(
      worstError(
        await bench.floats(relu, 72),
        values.map((v) => Math.max(v, 0)),
        sizes,
      ),
    ).toBeLessThan(32)
    const sums = values.map((value, i) => value + (before[i] ?? 0))
    expect(
      worstError(
        await bench.floats(residual, 72),
        sums,
        sizes.map((size) => size + 1),
      ),
    ).toBeLessThan(32)
  })

  it.each(shapes<Way>([64], ['memory', 'own', ...WIDTHS]))(
    'normalises the wanted row first (%s)',
    async (way) => {
      const numbers = numbersOf(3)
      const inputs = 160
      const matrix = randomMatrix(numbers, 40, inputs, { ...F32, scales: 'float16' })
      const rows = numbers.uniform(3 * inputs).map((value) => 5 + value)
      const floats = numbers.uniform(2 * inputs + 40)
      const norm = { weightAt: 0, biasAt: inputs, epsilon: 1e-5 }
      const run = { ...ONE_ROW, logitRow: 2 }
      const [output] = await product(
        { floats: floats.length, norm, biasAt: 2 * inputs, into: { kind: 'plain' } },
        { matrix, input: rows, floats, run, way },
      )
      if (output === undefined) throw new Error('no output')
      const normed = normReference(
        rows.subarray(2 * inputs),
        floats.subarray(0, inputs),
        floats.subarray(inputs, 2 * inputs),
        1e-5,
      )
      const { values, sizes } = productReference(matrix, normed, floats.subarray(2 * inputs))
      // Of values around 5 the norm loses what float32 has not: some 20 units in each.
      expect(worstError(await bench.floats(output, 40), values, sizes)).toBeLessThan(100)
    },
  )

  it.each(shapes(['float32', 'float16'] as const))(
    'puts keys and values where they belong, in %s',
    async (type) => {
      const numbers = numbersOf(4)
      // Heads of 12, filled up to 16, in the cache; the second of two sequences, at position 5 of 8.
      const heads = { heads: 8, headSize: 12, cacheHeadSize: 16, cacheType: type, scale: 0.5 }
      const matrix = exactMatrix(numbers, 288, 96, F32)
      const input = numbers.whole(96)
      const { values } = productReference(matrix, input, null)
      const place = { source: { token: 0 }, position: 5, slot: 1 }
      const run = { capacity: 8, logitRow: 0, rows: [place] }
      const cache = (): Values => {
        const count = 2 * 8 * 8 * 16
        return type === 'float32' ? new Float32Array(count).fill(-7) : new Uint16Array(count).fill(0xc700)
      }
      const [query, keys, stored] = await product(
        { floats: 4, norm: null, biasAt: null, into: { kind: 'qkv', ...heads } },
        { matrix, input, output: new Float32Array(96), run, more: [cache(), cache()] },
      )
      if (query === undefined || keys === undefined || stored === undefined) throw new Error('no output')
      expect(await bench.floats(query, 96)).toEqual(Float32Array.from(values.subarray(0, 96), (v) => v * 0.5))
      const read = async (buffer: GPUBuffer): Promise<Float32Array> => {
        const words = await bench.words(buffer)
        return type === 'float32' ? new Float32Array(words.buffer) : f16ToF32(new Uint16Array(words.buffer))
      }
      const expected = (part: number): Float32Array => {
        const all = new Float32Array(2 * 8 * 8 * 16).fill(-7)
        for (let i = 0; i < 96; i += 1)
          all[((8 + Math.floor(i / 12)) * 8 + 5) * 16 + (i % 12)] = values[96 * part + i] ?? NaN
        return type === 'float32' ? all : roundedToHalf(all)
      }
      expect(await read(keys)).toEqual(expected(1))
      expect(await read(stored)).toEqual(expected(2))
    },
  )
})

/** What is left of values in float16; exact ones of few digits stay, ties do not occur in what is tested. */
function roundedToHalf(values: Float32Array): Float32Array {
  return values.map((value) => {
    const step = 2 ** (Math.floor(Math.log2(Math.abs(value) || 1)) - 10)
    const whole = value / step
    const low = Math.floor(whole)
    const rest = whole - low
    const nearest = rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low
    return nearest * step
  })
}

describe('the best score', () => {
  async function chosen(
    rows: Float32Array,
    hidden: number,
    table: StoredMatrix,
    way: Way = 'memory',
  ): Promise<{ choice: ReturnType<typeof choiceOf>; scores: Float32Array; state: Uint32Array }> {
    const shape = { ...plain, into: { kind: 'scores' } } as const
    const groups = Math.ceil(table.outputs / rowsOfWorkgroup(tuning))
    const run: RunState = {
      capacity: 64,
      logitRow: 1,
      rows: [
        { source: { query: 0 }, position: 7, slot: 0 },
        { source: { token: 3 }, position: 8, slot: 3 },
      ],
    }
    expect(hidden).toBe(table.inputs)
    // The wanted row is the second one.
    const [scores, records] = await product(shape, {
      matrix: table,
      input: Float32Array.of(...new Float32Array(hidden), ...rows),
      run,
      more: [new Uint32Array(4 * groups)],
      way,
    })
    if (scores === undefined || records === undefined) throw new Error('no output')
    const [next, choice] = [bench.buffer(stateBytes(run)), bench.buffer(new Uint32Array(4))]
    const choose = bench.kernel(way, (by) => chooseKernel(groups, 64, by))
    await bench.run(choose, [records, next, choice], [1, 1, 1])
    return {
      choice: choiceOf(await bench.words(choice)),
      scores: await bench.floats(scores, table.outputs),
      state: await bench.words(next),
    }
  }

  it.each(shapes([831], [1, 63, 64, 65, 5000]))(
    'of %i is found, with its probability, and begins the next step',
    async (outputs) => {
      const numbers = numbersOf(5)
      const table = randomMatrix(numbers, outputs, 64, { ...F32, bits: 8 })
      const input = numbers.uniform(64)
      const { choice, scores, state } = await chosen(input, 64, table)
      const best = bestScoreReference(scores)
      expect(choice?.token).toBe(best.token)
      expect(choice?.logProbability).toBeCloseTo(best.score - best.norm, 5)
      expect([...state.subarray(0, 8)]).toEqual([1, 64, 0, 0, best.token, 9, 3, 0])
    },
  )

  it.each(shapes<Way>([32], ['memory', 'own', ...WIDTHS]))('is the first of equals (%s)', async (way) => {
    const numbers = numbersOf(6)
    const table = exactMatrix(numbers, 400, 32, { ...F32, bits: 8 })
    // Rows 130, 131 and 399 are the same, and larger than all others.
    const { packed, scales } = table
    for (const row of [130, 131, 399]) packed.fill(255, row * 32, row * 32 + 32)
    scales.set(bytesOf(new Float32Array(400).fill(0.125)))
    const { choice } = await chosen(new Float32Array(32).fill(1), 32, table, way)
    expect(choice?.token).toBe(130)
  })

  it.each(
    [NaN, Infinity].flatMap((bad) =>
      shapes<Way>(['own'], ['memory', ...WIDTHS]).map((way): [number, Way] => [bad, way]),
    ),
  )('is none where a score is %d (%s)', async (bad, way) => {
    const numbers = numbersOf(7)
    const table = randomMatrix(numbers, 300, 32, { ...F32, bits: 8 })
    table.scales.set(bytesOf(Float32Array.of(bad)), 4 * 200)
    const { choice } = await chosen(numbers.uniform(32), 32, table, way)
    expect(choice).toBeNull()
  })
})
