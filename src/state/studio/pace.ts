/** How fast pictures are captioned, by the last of them. */

/** Enough for one slow picture not to change much, few enough to follow a change. */
const LAST = 30

export class Pace {
  /** When each was done, by `performance.now()`; when it began first. */
  #times: number[] = []

  restart(): void {
    this.#times = [performance.now()]
  }

  tick(): void {
    this.#times = [...this.#times, performance.now()].slice(-LAST - 1)
  }

  left(pictures: number): { perMinute: number | null; secondsLeft: number | null } {
    const [first, last] = [this.#times[0], this.#times.at(-1)]
    const done = this.#times.length - 1
    if (done < 1 || first === undefined || last === undefined) return { perMinute: null, secondsLeft: null }
    const msEach = Math.max(1, last - first) / done
    return { perMinute: 60_000 / msEach, secondsLeft: (pictures * msEach) / 1000 }
  }
}
