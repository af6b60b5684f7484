/** How fast this device converts, found out in a few dozen milliseconds: what the converter does with each band of rows. */
import type { Precision } from '../pack/precisions.ts'
import { bf16ToF32, f32ToF16, firstNonFinite } from './dtypes.ts'
import { BLOCK_SIZE } from './quantise.ts'
import { fastQuantise } from './simd/quantise.ts'

const [ROWS, COLUMNS] = [128, 2048]
const ROUNDS = 3
/**
 * Numbers of a model cost so many times what those below cost, and reading, hashing and writing come on top. Fitted to
 * processor's time, in Chromium on two cores that had other work (a made-up checkpoint in float32, as q4f16): 3.8 ms a MB of
 * the steps below, 4.5 of them in the conversion, 8.2 of its thread in all and 4 of others, which run beside it.
 */
const IN_A_MODEL = 1.2
const REST_BYTES_PER_SECOND = 150e6

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
  return 1 / ((IN_A_MODEL * secondsPerWeight) / bytesPerWeight + 1 / REST_BYTES_PER_SECOND)
}
