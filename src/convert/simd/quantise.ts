/**
 * Quantising with WebAssembly's 128-bit lanes: `quantise.wat`, which `npm run wasm` turns into `quantise.gen.ts`. Its
 * bytes are those of `quantiseBlocks` whatever the order of its sums: value times integer has at most 32 bits, and where
 * the integer is not 0 the value is at least 1/512 of the largest of its block, so no such sum needs more than the 53
 * bits of a float64. Only the sum of squares is rounded; near the limit to which it is held it is made in order.
 */
import { BLOCK_SIZE, quantiseBlocks, storedScales, TARGETS, type Quantise } from '../quantise.ts'
import { fromBase64 } from '../../pack/bytes.ts'
import { QUANTISE_WASM } from './quantise.gen.ts'

/** What `quantise.wat` exports; all but `low`, a float64, are 32-bit integers, addresses among them. */
interface Kernels {
  memory: WebAssembly.Memory
  findScales(
    rows: number,
    rowCount: number,
    columns: number,
    blockSize: number,
    block: number,
    targets: number,
    targetCount: number,
    low: number,
    scales: number,
  ): void
  pack(
    rows: number,
    rowCount: number,
    columns: number,
    blockSize: number,
    block: number,
    bits: number,
    low: number,
    scales: number,
    packed: number,
  ): void
}

/** Where things lie in the memory: a block of 128 float64, the targets, then rows, scales and integers. */
const [BLOCK_AT, TARGETS_AT, ROWS_AT] = [0, 1024, 2048]
const PAGE_BYTES = 2 ** 16
/** Rows that are handed over together, 256 KiB where a row is not larger: what fits the second cache is read twice from it. */
const ELEMENTS_AT_ONCE = 2 ** 16

let made: Quantise | undefined

/** The fastest way that runs here: with lanes, or the plain one where WebAssembly or its lanes are withheld. */
export function fastQuantise(): Quantise {
  return (made ??= quantiseWithLanes() ?? quantiseBlocks)
}

/** Undefined where a browser, or the policy of a page, does not let it run. */
export function quantiseWithLanes(): Quantise | undefined {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(fromBase64(QUANTISE_WASM)))
    return quantiseIn(exports as unknown as Kernels)
  } catch {
    return undefined
  }
}

function quantiseIn(kernels: Kernels): Quantise {
  return (rows, rowCount, columns, bits, scaleType, blockSize = BLOCK_SIZE) => {
    const blocks = Math.ceil(columns / blockSize)
    const rowBytes = (blocks * blockSize * bits) / 8
    const packed = new Uint8Array(rowCount * rowBytes)
    const scales =
      scaleType === 'float32' ? new Float32Array(rowCount * blocks) : new Uint16Array(rowCount * blocks)
    let overflows = 0
    const step = Math.min(rowCount, Math.max(1, Math.floor(ELEMENTS_AT_ONCE / columns)))
    const low = -(2 ** (bits - 1))
    const targets = TARGETS[bits]
    const scalesAt = ROWS_AT + 4 * step * columns
    const packedAt = scalesAt + 4 * step * blocks
    const memory = memoryOf(kernels, packedAt + step * rowBytes)
    new Float64Array(memory, TARGETS_AT).set(targets)
    for (let row = 0; row < rowCount; row += step) {
      const count = Math.min(step, rowCount - row)
      const shape = [count, columns, blockSize, BLOCK_AT] as const
      new Float32Array(memory, ROWS_AT).set(rows.subarray(row * columns, (row + count) * columns))
      kernels.findScales(ROWS_AT, ...shape, TARGETS_AT, targets.length, low, scalesAt)
      const wanted = new Float32Array(memory, scalesAt, count * blocks)
      const stored = storedScales(wanted, scaleType)
      wanted.set(stored.values)
      kernels.pack(ROWS_AT, ...shape, bits, low, scalesAt, packedAt)
      scales.set(stored.scales, row * blocks)
      packed.set(new Uint8Array(memory, packedAt, count * rowBytes), row * rowBytes)
      overflows += stored.overflows
    }
    return { packed, scales, overflows }
  }
}

/** The memory, of at least so many bytes. */
function memoryOf({ memory }: Kernels, bytes: number): ArrayBuffer {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE_BYTES)
  if (missing > 0) memory.grow(missing)
  return memory.buffer
}
