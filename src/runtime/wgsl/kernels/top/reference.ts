/** What `top` has to find in a row of logits. */
import type { TopWanted } from '../../../language/language-model.ts'

export interface TopReference {
  /** The likeliest besides those that are left out, the lower id first among equals. */
  ids: number[]
  logits: number[]
  /** Of the ids that are left out, in their order. */
  besides: number[]
  /** log Σ e^logit over all. */
  norm: number
}

export function topReference(logits: ArrayLike<number>, { count, besides }: TopWanted): TopReference {
  const at = (id: number): number => logits[id] ?? -Infinity
  const left = Array.from({ length: logits.length }, (_, id) => id).filter((id) => !besides.includes(id))
  const ids = left.sort((a, b) => at(b) - at(a) || a - b).slice(0, count)
  const all = Array.from(logits)
  const most = Math.max(...all)
  const norm = most + Math.log(all.reduce((sum, value) => sum + Math.exp(value - most), 0))
  return { ids, logits: ids.map(at), besides: besides.map(at), norm }
}
