import { expect, it } from 'vitest'
import { kernelBench, numbersOf, shapes, worstError } from '../../../../../testing/gpu/kernel-bench.ts'
import { normReference } from '../norm/reference.ts'
import { byChannel, byToken } from '../wide-tile/reference.ts'
import { tokenTiles } from '../wide-tile/token-tiles.ts'
import { geluReference, quickGeluReference } from './reference.ts'
import {
  finishPlaces,
  wideFinishKernel,
  wideFinishWorkgroups,
  wideNormKernel,
  type WideFinishShape,
  type WideTarget,
} from './wide-finish.ts'

const bench = kernelBench()

interface Given {
  shape: WideFinishShape
  /** Sums with their bias, [tokens, outputs]. */
  sums: Float32Array
  floats: Float32Array
  buffers: [GPUBuffer, GPUBuffer, GPUBuffer]
}

/** Two parts of sums, and a bias behind two other rows of floats. */
function given(tokens: number, outputs: number, into: WideTarget): Given {
  const numbers = numbersOf(tokens + outputs)
  const tiles = tokenTiles(tokens, 32_768)
  const floats = numbers.uniform(3 * outputs)
  const parts = [numbers.uniform(tokens * outputs), numbers.uniform(tokens * outputs)]
  const sums = Float32Array.from(
    { length: tokens * outputs },
    (_, i) => 4 * ((parts[0]?.[i] ?? 0) + (parts[1]?.[i] ?? 0)) + (floats[2 * outputs + (i % outputs)] ?? 0),
  )
  const size = 4 * tiles.quads * outputs
  const partial = new Float32Array(2 * size)
  parts.forEach((part, i) =>
    partial.set(
      byChannel(
        part.map((value) => 4 * value),
        tiles,
      ),
      i * size,
    ),
  )
  const places = { splits: 2, biasAt: 2 * outputs, norm: { weightAt: 0, biasAt: outputs } }
  const buffers: Given['buffers'] = [
    bench.buffer(partial),
    bench.buffer(floats),
    bench.buffer(finishPlaces(places)),
  ]
  return { shape: { outputs, tiles, into }, sums, floats, buffers }
}

async function finish({ shape, buffers }: Given, ...more: GPUBuffer[]): Promise<void> {
  await bench.run(wideFinishKernel(shape), [...buffers, ...more], wideFinishWorkgroups(shape))
}

it.each([
  { kind: 'gelu', reference: geluReference },
  { kind: 'quick-gelu', reference: quickGeluReference },
] as const)('adds parts and bias up, and is $kind of that', async ({ kind, reference }) => {
  const of = given(5, 68, { kind })
  const count = of.shape.outputs * 4 * of.shape.tiles.quads
  const output = bench.buffer(new Float32Array(count))
  await finish(of, output)
  const got = byToken(await bench.floats(output, count), of.shape.tiles)
  const expected = Float64Array.from(of.sums, reference)
  // Some millionths of the sums: what tells both forms apart is a hundred times as much.
  expect(
    worstError(
      got,
      expected,
      of.sums.map((x) => 1 + Math.abs(x)),
    ),
  ).toBeLessThan(16)
})

it('has queries by channel, scaled, and keys and values by token', async () => {
  const of = given(9, 72, { kind: 'qkv', scale: 0.5 })
  const { tiles } = of.shape
  const count = 24 * 4 * tiles.quads
  const made = [0, 1, 2].map(() => bench.buffer(new Float32Array(count)))
  await finish(of, ...made)
  const third = (part: number): Float32Array => of.sums.filter((_, i) => Math.floor((i % 72) / 24) === part)
  const [queries = new Float32Array(), keys, values] = await Promise.all(
    made.map((buffer) => bench.floats(buffer, count)),
  )
  const ones = new Float32Array(9 * 24).fill(8)
  const scaled = third(0).map((x) => 0.5 * x)
  expect(worstError(byToken(queries, tiles), scaled, ones)).toBeLessThan(4)
  expect(worstError(keys?.slice(0, 9 * 24) ?? [], third(1), ones)).toBeLessThan(4)
  expect(worstError(values?.slice(0, 9 * 24) ?? [], third(2), ones)).toBeLessThan(4)
})

it.each(shapes(['residual'] as const, ['features'] as const))(
  'adds to the stream and normalises it (%s)',
  async (kind) => {
    const [tokens, outputs] = [9, 300]
    const of = given(tokens, outputs, { kind, epsilon: 1e-2 })
    const { tiles } = of.shape
    const count = outputs * 4 * tiles.quads
    const before = numbersOf(3).uniform(tokens * outputs)
    const stream = bench.buffer(byChannel(before, tiles))
    const normed = bench.buffer(new Float32Array(count).fill(-7))
    await finish(of, stream, bench.buffer(of.floats), normed)
    const expected = of.sums.map((sum, i) => sum + (before[i] ?? NaN))
    const ones = new Float32Array(tokens * outputs).fill(16)
    expect(worstError(byToken(await bench.floats(stream, count), tiles), expected, ones)).toBeLessThan(4)
    const [weight, bias] = [of.floats.subarray(0, outputs), of.floats.subarray(outputs, 2 * outputs)]
    const normalised = normReference(expected, weight, bias, 1e-2)
    const got = await bench.floats(normed, count)
    const byTokens = kind === 'features' ? got.slice(0, tokens * outputs) : byToken(got, tiles)
    expect(worstError(byTokens, normalised, ones)).toBeLessThan(8)
    // Features have a row for each token and no others.
    if (kind === 'features') expect(got[tokens * outputs]).toBe(-7)
  },
)

it.each(shapes<number>([], [12, 300]))('normalises by itself, %i channels', async (channels) => {
  const tokens = 9
  const tiles = tokenTiles(tokens, 32_768)
  const numbers = numbersOf(channels)
  const [input, floats] = [numbers.uniform(tokens * channels), numbers.uniform(2 * channels)]
  const count = channels * 4 * tiles.quads
  const output = bench.buffer(new Float32Array(count))
  const places = finishPlaces({ splits: 0, biasAt: 0, norm: { weightAt: channels, biasAt: 0 } })
  await bench.run(
    wideNormKernel(channels, tiles, 1e-5),
    [bench.buffer(byChannel(input, tiles)), bench.buffer(floats), bench.buffer(places), output],
    [tiles.quads, 1, 1],
  )
  const expected = normReference(input, floats.subarray(channels), floats.subarray(0, channels), 1e-5)
  const ones = new Float32Array(tokens * channels).fill(16)
  expect(worstError(byToken(await bench.floats(output, count), tiles), expected, ones)).toBeLessThan(8)
})
