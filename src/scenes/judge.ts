/** Does a caption name what was drawn? Words only, no synonyms: the vocabulary of kinds has none. */
import { KINDS } from './kinds.ts'
import type { Scene } from './scene.ts'

export interface Verdict {
  /** Every kind that was drawn is named, and none that was not. */
  right: boolean
  /** Share of the named kinds that were drawn; 1 when none was named. */
  precision: number
  /** Share of the drawn kinds that were named. */
  recall: number
  named: string[]
}

/** The kinds that a caption names, singular or plural, each once. */
export function namedKinds(caption: string): string[] {
  const words = new Set(caption.toLowerCase().split(/[^a-z]+/))
  return KINDS.filter((kind) => words.has(kind) || words.has(`${kind}s`) || words.has(`${kind}es`))
}

export function judgeCaption(caption: string, scene: Scene): Verdict {
  const drawn = new Set<string>(scene.objects.map((object) => object.kind))
  const named = namedKinds(caption)
  const hits = named.filter((kind) => drawn.has(kind)).length
  return {
    right: hits === drawn.size && hits === named.length,
    precision: named.length === 0 ? 1 : hits / named.length,
    recall: hits / drawn.size,
    named,
  }
}
