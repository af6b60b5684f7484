/** What `embed` has to compute. */
import type { RowState } from '../../gpu/state.ts'
import { dequantised, type StoredMatrix } from '../product/reference.ts'

/** Rows [rows, hidden] of the table or of `queries`, plus those of `positions`, which begin with `offset` unused ones. */
export function embedReference(
  table: StoredMatrix,
  positions: Float32Array,
  queries: Float32Array,
  rows: readonly Pick<RowState, 'source' | 'position'>[],
  offset: number,
): Float64Array {
  const hidden = table.inputs
  const tokens = dequantised(table)
  const out = new Float64Array(rows.length * hidden)
  rows.forEach(({ source, position }, row) => {
    const [values, at] = 'token' in source ? [tokens, source.token] : [queries, source.query]
    for (let i = 0; i < hidden; i += 1)
      out[row * hidden + i] =
        (values[at * hidden + i] ?? 0) + (positions[(position + offset) * hidden + i] ?? 0)
  })
  return out
}
