/**
 * A chunk is the unit of everything that happens to weights: written, hashed, fetched, verified and resumed whole.
 */
const MEBIBYTE = 2 ** 20

/** Chunks have 16 MiB; the last one also takes the rest, so every chunk of a large file has 16 to 32 MiB. */
export const CHUNK_BYTES = 16 * MEBIBYTE

/**
 * The sizes in bytes of the chunks that a file of `bytes` is cut into, in order. An empty file has one empty chunk.
 * Readers hold manifests against it, so whoever wants other chunks has to want them everywhere.
 */
export function chunkSizes(bytes: number, chunkBytes = CHUNK_BYTES): number[] {
  const whole = Math.max(1, Math.floor(bytes / chunkBytes))
  return Array.from({ length: whole }, (_, index) =>
    index < whole - 1 ? chunkBytes : bytes - chunkBytes * (whole - 1),
  )
}

/** Where chunk `index` of a file lies within the pack: the file itself when it is the only chunk, else `path.000`. */
export function chunkPath(path: string, index: number, count: number): string {
  return count === 1 ? path : `${path}.${String(index).padStart(3, '0')}`
}
