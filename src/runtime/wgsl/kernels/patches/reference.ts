/** The patches of a picture as rows: what a convolution whose stride is its size multiplies with. */

/** pixels [3, size, size] → [1 + patches, 3 · patch²], row by row behind a row of zeros, the class token's. */
export function patchesReference(
  pixels: ArrayLike<number>,
  { imageSize, patchSize }: { imageSize: number; patchSize: number },
): Float32Array {
  const grid = Math.floor(imageSize / patchSize)
  const inputs = 3 * patchSize ** 2
  const out = new Float32Array((1 + grid ** 2) * inputs)
  for (let patch = 0; patch < grid ** 2; patch += 1) {
    const [top, left] = [Math.floor(patch / grid) * patchSize, (patch % grid) * patchSize]
    for (let i = 0; i < inputs; i += 1) {
      const channel = Math.floor(i / patchSize ** 2)
      const y = top + (Math.floor(i / patchSize) % patchSize)
      const x = left + (i % patchSize)
      out[(1 + patch) * inputs + i] = pixels[(channel * imageSize + y) * imageSize + x] ?? 0
    }
  }
  return out
}
