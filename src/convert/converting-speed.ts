/** How fast this device converts, found out in a few dozen milliseconds: what the converter does with each band of rows. */
import type { Precision } from '../pack/precisions.ts'
import { bf16ToF32, f32ToF16, firstNonFinite } from './dtypes.ts'
import { BLOCK_SIZE } from './quantise.ts'
import { fastQuantise } from './simd/quantise.ts'

const [ROWS, COLUMNS] = [128, 2048]
const ROUNDS = 3
/**
 * Rows that come in bands cost so many times what they cost in one piece, and reading, hashing and writing come on top.
 * Found with the built-in checkpoint on two shared cores: 20 MB/s as q4f16 and 25 as q8 in Node, 52 and 95 of the steps
 * below alone; 32 are told of fp16 and 16 to 23 were seen. Not compared with a whole conversion in a browser.
 */
const IN_BANDS = 1.5
const REST_BYTES_PER_SECOND = 40e6

/** Bytes of a 16-bit checkpoint per second. */
export function convertingSpeed(precision: Precision, now: () => number = () => performance.now()): number {
  const stored = Uint16Array.from({ length: ROWS * COLUMNS }, (_, i) => 0x3c00 + ((i * 7919) % 1024))
  let best = Infinity
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = now()
    const values = bf16ToF32(stored)
    firstNonFinite(values)
    if (precision === 'fp16') f32ToF16(values)
    else if (precision !== 'fp32')
      fastQuantise()(values, ROWS, COLUMNS, precision === 'q8' ? 8 : 4, 'float16', BLOCK_SIZE)
    best = Math.min(best, now() - began)
  }
  const secondsPerByte = Math.max(best, 0.01) / 1000 / stored.byteLength
  return 1 / (IN_BANDS * secondsPerByte + 1 / REST_BYTES_PER_SECOND)
}
