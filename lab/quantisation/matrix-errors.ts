/**
 * What blocks of 32, 64 and 128 cost each kind of matrix of a language model at its published widths, of made-up weights
 * with outlier channels (`src/synthetic/values`):
 *   npx tsx lab/quantisation/matrix-errors.ts flan-t5-xl
 * Prints rows of docs/quantisation.md: relative root mean square error with scales of float16, of 512 rows of each.
 */
import { dequantiseBlocks, quantiseBlocks, type BlockSize } from '../../src/convert/quantise.ts'
import { configOf } from '../../src/synthetic/dimensions.ts'
import { tensorsOf } from '../../src/synthetic/checkpoint.ts'
import { PUBLISHED } from '../../src/synthetic/published.ts'
import { valueSource } from '../../src/synthetic/values.ts'

/** One block, or layer, of the language model and what lies outside of all. */
const STUDIED = /^language_model\.(?!.*\.(block|layers)\.(?!0\.)).*\.weight$/
const ROWS = 512
const WAYS: readonly [bits: 4 | 8, block: BlockSize][] = [
  [4, 32],
  [4, 64],
  [4, 128],
  [8, 32],
]

const size = PUBLISHED.find((name) => name === process.argv[2])
if (size === undefined) throw new Error(`Name one of ${PUBLISHED.join(', ')}.`)
const source = valueSource(1)
for (const { tensor, shape } of tensorsOf(configOf(size))) {
  const [rows = 0, columns = 0] = shape
  if (!STUDIED.test(tensor) || shape.length !== 2 || columns % 32 !== 0 || rows < ROWS) continue
  const values = source.values(tensor, shape, 0, ROWS * columns)
  const errors = WAYS.map(([bits, block]) => {
    const blocks = quantiseBlocks(values, ROWS, columns, bits, 'float16', block)
    return relativeError(dequantiseBlocks(blocks, ROWS, columns, bits, block), values)
  })
  const cells = errors.map((error) => `${(100 * error).toFixed(error < 0.02 ? 2 : 1)} %`)
  console.log(`| ${[tensor.replace(/^language_model\.|\.weight$/g, ''), ...cells].join(' | ')} |`)
}

function relativeError(stored: Float32Array, values: Float32Array): number {
  let [squares, total] = [0, 0]
  for (const [i, value] of values.entries()) {
    squares += ((stored[i] ?? 0) - value) ** 2
    total += value ** 2
  }
  return Math.sqrt(squares / total)
}
