/**
 * What changes from run to run, in one small buffer that kernels read as a uniform: a header, then a row for each
 * position that runs. The choice of a token writes it on the GPU, so a greedy chain needs nothing from the host.
 */

/** Rows of one run at most. */
export const MOST_ROWS = 256

/** Where the header has what. */
export const HEADER = { rows: 0, capacity: 1, logitRow: 2 } as const

/** A position that runs. */
export interface RowState {
  /** A token's id, or the number of a query embedding. */
  source: { token: number } | { query: number }
  /** In its sequence, from 0. */
  position: number
  /** Which sequence of the cache. */
  slot: number
}

export interface RunState {
  /** Positions that each sequence of the cache has room for. */
  capacity: number
  /** Of which row the logits are wanted. */
  logitRow: number
  rows: readonly RowState[]
}

/** Marks the number of a query embedding. */
export const QUERY_BIT = 0x80000000

export const STATE_BYTES = 16 * (1 + MOST_ROWS)

/** As kernels bind it. */
export function stateBinding(binding: number): string {
  return `@group(0) @binding(${binding}) var<uniform> run: array<vec4u, ${1 + MOST_ROWS}>;`
}

export function stateWords({ capacity, logitRow, rows }: RunState): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(4 * (1 + rows.length))
  words.set([rows.length, capacity, logitRow, 0])
  rows.forEach(({ source, position, slot }, i) => {
    const id = 'token' in source ? source.token : (source.query | QUERY_BIT) >>> 0
    words.set([id, position, slot, 0], 4 * (i + 1))
  })
  return words
}
