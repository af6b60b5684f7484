/** What was said to be kept of conversations, and whether it is. */
import type { KeptConversation } from '../../src/conversation/kept.ts'
import { merge } from '../../src/conversation/merge.ts'

export class Promises {
  readonly #promised = new Map<string, KeptConversation>()

  /** All of this was reported as kept. */
  note(kept: KeptConversation): void {
    const before = this.#promised.get(kept.id)
    this.#promised.set(kept.id, structuredClone(before === undefined ? kept : merge(before, kept)))
  }

  /** Was let go of on purpose, whether that comes through or not. */
  drop(id: string): void {
    this.#promised.delete(id)
  }

  /** What is missing of it among all that lies there, in a sentence; null for nothing. */
  broken(all: readonly KeptConversation[]): string | null {
    const byId = new Map(all.map((one) => [one.id, one]))
    for (const [id, promised] of this.#promised) {
      const now = byId.get(id)
      if (now === undefined) return `conversation ${id} is gone`
      const both = normal(merge(promised, now))
      if (both !== normal(now)) return `conversation ${id} lost something:\n${both}\n${normal(now)}`
    }
    for (const { id, turns } of all)
      if (new Set(turns.map((turn) => turn.id)).size !== turns.length) return `a turn of ${id} is there twice`
    return null
  }
}

/** A conversation as text, the same for all that say the same. */
function normal({ changedAt, pictures, turns, chosen, removals }: KeptConversation): string {
  const byId = <T extends { id: string }>(list: readonly T[]): T[] =>
    [...list].sort((a, b) => (a.id < b.id ? -1 : 1))
  const sorted = (record: object): [string, unknown][] =>
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([
    changedAt,
    byId(pictures),
    byId(turns).map((turn) => ({ ...turn, answers: sorted(turn.answers) })),
    sorted(chosen),
    byId(removals),
  ])
}
