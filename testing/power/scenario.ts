/** What is cut short again and again: one piece of work, and what must be true of what lies there. */
import type { Random } from '../../src/scenes/random.ts'
import type { Medium, Session } from './machine.ts'

export interface Scenario {
  name: string
  /** A machine on which nothing has been done yet. */
  prepare(random: Random): Promise<Work>
}

export interface Work {
  media: readonly Medium[]
  /** Opens everything anew, goes on with what is left to do, and resolves when all of it is done and reported. */
  goOn(session: Session): Promise<void>
  /** Opens everything anew and rejects where something that must not be is there, or something that was reported is not. */
  check(session: Session): Promise<void>
  /** Rejects where what lies there in the end is not what a run without cuts leaves. */
  checkEnd(session: Session): Promise<void>
}

/** What a check found. */
export class Broken extends Error {}

export function demand(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Broken(what)
}
