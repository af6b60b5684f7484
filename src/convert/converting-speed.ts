/** How fast this device converts, found out in a few dozen milliseconds: what the converter does with each band of rows. */
import type { Precision } from '../pack/precisions.ts'
import { bf16ToF32, f32ToF16, firstNonFinite } from './dtypes.ts'
import { BLOCK_SIZE } from './quantise.ts'
import { fastQuantise } from './simd/quantise.ts'

const [ROWS, COLUMNS] = [128, 2048]
const ROUNDS = 3
/**
 * Reading, hashing and writing come on top of the steps below. Fitted to what Chromium did on two quiet cores, the server on
 * them, too, and nobody listening to its network (a made-up checkpoint in float32): 178 MB/s as q4f16 and 175 as q8. The
 * steps took 3.8 ms a MB as q4f16 and some 2.7 as q8, by the processor's clock of a busy machine: with this 160 and 190 MB/s
 * are foretold there.
 */
const REST_BYTES_PER_SECOND = 400e6

/** Published checkpoints of BLIP-2 are in float32. */
const USUAL_BYTES_PER_WEIGHT = 4

/** Bytes per second of a checkpoint that has so many for each weight. */
export function convertingSpeed(
  precision: Precision,
  bytesPerWeight: number = USUAL_BYTES_PER_WEIGHT,
  now: () => number = () => performance.now(),
): number {
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
  const secondsPerWeight = Math.max(best, 0.01) / 1000 / stored.length
  return 1 / (secondsPerWeight / bytesPerWeight + 1 / REST_BYTES_PER_SECOND)
}
