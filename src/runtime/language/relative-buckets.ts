/**
 * T5's relative positions: each distance from a query to a key falls into a bucket, the near ones into one each, the
 * far ones into ever wider ones (Raffel et al. 2020, section 2.1; transformers `T5Attention._relative_position_bucket`).
 */

export interface BucketRule {
  buckets: number
  /** From this distance on all share the last bucket. */
  maxDistance: number
}

/** int64 [length, length]: of an encoder, where half the buckets are for keys behind the query. */
export function encoderBuckets(length: number, { buckets, maxDistance }: BucketRule): BigInt64Array {
  const half = Math.floor(buckets / 2)
  const table = oneSided(length, half, maxDistance)
  const numbers = new BigInt64Array(length * length)
  for (let query = 0; query < length; query += 1) {
    for (let key = 0; key < length; key += 1) {
      const bucket = table[Math.abs(key - query)] ?? 0
      numbers[query * length + key] = BigInt(key > query ? bucket + half : bucket)
    }
  }
  return numbers
}

/** int64 [rows, past + rows]: of a decoder, whose queries stand behind `past` positions. Later keys get bucket 0. */
export function decoderBuckets(
  past: number,
  rows: number,
  { buckets, maxDistance }: BucketRule,
): BigInt64Array {
  const total = past + rows
  const table = oneSided(total, buckets, maxDistance)
  const numbers = new BigInt64Array(rows * total)
  for (let row = 0; row < rows; row += 1) {
    for (let key = 0; key < total; key += 1)
      numbers[row * total + key] = BigInt(table[Math.max(0, past + row - key)] ?? 0)
  }
  return numbers
}

/** The bucket of each distance from 0 to `count` - 1. transformers computes the logarithms in float32, so do we. */
function oneSided(count: number, buckets: number, maxDistance: number): number[] {
  const exact = Math.floor(buckets / 2)
  const widest = Math.fround(Math.log(maxDistance / exact))
  return Array.from({ length: count }, (_, distance) => {
    if (distance < exact) return distance
    const steps = Math.fround(Math.fround(Math.log(Math.fround(distance / exact))) / widest)
    return Math.min(exact + Math.floor(Math.fround(steps * (buckets - exact))), buckets - 1)
  })
}
