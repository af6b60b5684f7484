/** Which pictures a run tries again because a model went while it was at them, and which one by one. */
import { isOfTheModel, type FailureCode } from '../../pack/failure.ts'

/** What is of the model is tried once more, when one is there again. */
const MOST_ATTEMPTS = 2

export class Attempts {
  /** Pictures that a model went with while others were under way: which of them it was is seen one by one. */
  #suspects = new Set<string>()
  /** Of the picture that comes next. */
  #count = 0

  get hasSuspects(): boolean {
    return this.#suspects.size > 0
  }

  restart(): void {
    this.#suspects = new Set()
    this.#count = 0
  }

  /** A picture is settled. */
  through(path: string): void {
    this.#suspects.delete(path)
    this.#count = 0
  }

  /** Whether a picture that ended like this is tried again; `underWay` are those that were asked about with it. */
  isTriedAgain(
    code: FailureCode | undefined,
    underWay: Iterable<string>,
    { alone }: { alone: boolean },
  ): boolean {
    // Its model went while it was at it: that was no attempt.
    if (code === 'cancelled') return true
    if (code === undefined || !isOfTheModel(code)) return false
    if (!alone) {
      for (const path of underWay) this.#suspects.add(path)
      return true
    }
    this.#count += 1
    return this.#count < MOST_ATTEMPTS
  }
}
