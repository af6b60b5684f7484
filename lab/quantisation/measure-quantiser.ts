/**
 * What the scale search gains over plain choices, and what it costs: `npx tsx lab/quantisation/measure-quantiser.ts`.
 * Prints the table of docs/quantisation.md: relative root mean square error of 4-bit blocks of 32.
 */
import { dequantiseBlocks, quantiseBlocks } from '../../src/convert/quantise.ts'
import { seededRandom } from '../../src/scenes/random.ts'
import { plainRounding, relativeError } from './plain-rounding.ts'

const ROWS = 512
const COLUMNS = 2048

const random = seededRandom(1)
const gaussian = (): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
const laplace = (): number => Math.sign(random.next() - 0.5) * -Math.log(1 - random.next())

const WEIGHTS: Record<string, (column: number) => number> = {
  Gaussian: gaussian,
  Laplace: laplace,
  // One column in a hundred ten times larger, as OPT has them.
  'outlier channels': (column) => gaussian() * (column % 100 === 7 ? 10 : 1),
}

const percent = (value: number): string => `${(100 * value).toFixed(2)} %`
console.log('| weights | largest to ±7 | largest to -8 | least error (chosen) | 8 bits |')
console.log('| --- | --- | --- | --- | --- |')
for (const [name, draw] of Object.entries(WEIGHTS)) {
  const values = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => draw(i % COLUMNS))
  const search = (bits: 4 | 8): number =>
    relativeError(
      values,
      dequantiseBlocks(quantiseBlocks(values, ROWS, COLUMNS, bits, 'float32'), ROWS, COLUMNS, bits),
    )
  const plain = (['seven', 'minus-eight'] as const).map((target) =>
    relativeError(values, plainRounding(values, target)),
  )
  const errors = [...plain, search(4), search(8)]
  console.log(`| ${[name, ...errors.map(percent)].join(' | ')} |`)
}

const values = Float32Array.from({ length: ROWS * COLUMNS }, gaussian)
for (const bits of [4, 8] as const) {
  quantiseBlocks(values, ROWS, COLUMNS, bits, 'float16')
  const started = performance.now()
  for (let i = 0; i < 8; i += 1) quantiseBlocks(values, ROWS, COLUMNS, bits, 'float16')
  const seconds = (performance.now() - started) / 1000
  console.log(
    `${bits} bits: ${((8 * values.byteLength) / 1e6 / seconds).toFixed(0)} MB/s of float32 on one core`,
  )
}
