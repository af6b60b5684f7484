/**
 * A machine that is switched off at a chosen step. Whatever outlives a program on it (a browser's databases, a disk)
 * is made of steps; between two of them the program runs as it likes. When the cut comes, the program does not learn of
 * it: what it waits for never happens.
 */
import type { Random } from '../../src/scenes/random.ts'

/**
 * How a program ends. `kill`: the system goes on, so what it was given is there. `power`: what was not synced is lost,
 * any of it. `torn`: what was not synced is lost from some byte on, in whole or in part.
 */
export const CUTS = ['kill', 'power', 'torn'] as const
export type Cut = (typeof CUTS)[number]

/** What a cut can leave behind in its kind of store. */
export interface Medium {
  /** Only what may be there after the cut is there from now on. */
  lose(cut: Cut, random: Random): void
}

/** One run of programs on the machine, from its start to the cut. */
export class Session {
  /** Settles when the cut comes. */
  readonly cut: Promise<void>
  /** Steps that were taken. */
  steps = 0
  readonly #random: Random
  readonly #last: number
  #isOff = false
  #switchOff: () => void = () => undefined

  /** The cut comes with step `last`, counted from 1; `Infinity`: never. */
  constructor(random: Random, last = Infinity) {
    this.#random = random
    this.#last = last
    this.cut = new Promise((resolve) => (this.#switchOff = resolve))
  }

  /**
   * Does something that lasts, and resolves once it is done. With the last step the cut comes before it, behind it or,
   * where `partly` says what that would be, in the middle; nobody hears of it either way.
   */
  async step<T>(whole: () => T, partly?: () => void): Promise<T> {
    // Never at once, and of several that are under way none knows which comes first.
    for (let turns = Math.floor(this.#random.next() * 4); turns >= 0; turns -= 1) await Promise.resolve()
    if (this.#isOff) return never()
    this.steps += 1
    if (this.steps < this.#last) return whole()
    this.end()
    if (partly !== undefined && this.#random.next() < 0.5) partly()
    else if (this.#random.next() < 0.5) whole()
    return never()
  }

  /** The cut comes now. */
  end(): void {
    this.#isOff = true
    this.#switchOff()
  }

  /** Runs a program until its end or the cut; true when it came to its end. */
  async run(program: () => Promise<void>): Promise<boolean> {
    return Promise.race([program().then(() => true), this.cut.then(() => false)])
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}
