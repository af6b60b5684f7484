/** Where positions of a row lie in other rows of the cache: branches of one sequence share what they have in common. */
import type { Owners } from '../../../language/kv-cache.ts'

/** Words in front of the table: the position it begins at, and how many positions each row has. */
const HEADER = 2

/** Bytes for so many positions of all rows together. */
export function ownersBytes(positions: number): number {
  return 4 * (HEADER + positions)
}

/** The table up to `length` positions, as kernels read it. */
export function ownersWords({ base, rows, span }: Owners, length: number): Uint32Array<ArrayBuffer> {
  const count = rows.length / span
  const used = Math.max(1, Math.min(span, length - base))
  const words = new Uint32Array(HEADER + count * used)
  words.set([base, used])
  for (let row = 0; row < count; row += 1)
    words.set(rows.subarray(row * span, row * span + used), HEADER + row * used)
  return words
}

/** `fn slotOf(row, key) -> u32` over a binding. */
export function slotOf(binding: number): string {
  return `@group(0) @binding(${binding}) var<storage, read> owners: array<u32>;
fn slotOf(row: u32, key: u32) -> u32 {
  if (key < owners[0]) { return 0u; }
  return owners[${HEADER}u + row * owners[1] + key - owners[0]];
}`
}
