/** How fast something goes, over the last few seconds, and how long the rest will take. */
const WINDOW_MS = 5_000
/** Too little to say anything. */
const LEAST_MS = 500

export class Pace {
  readonly #now: () => number
  #samples: { at: number; bytes: number }[] = []

  constructor(now: () => number) {
    this.#now = now
  }

  /** Notes how many bytes are done by now. */
  note(bytes: number): void {
    const at = this.#now()
    this.#samples.push({ at, bytes })
    const oldest = at - WINDOW_MS
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) <= oldest) this.#samples.shift()
  }

  /** Forgets what was: after a pause the old speed says nothing. */
  restart(): void {
    this.#samples = []
  }

  /** Null while too little is known. */
  bytesPerSecond(): number | null {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    if (first === undefined || last === undefined || last.at - first.at < LEAST_MS) return null
    return Math.max(0, ((last.bytes - first.bytes) / (last.at - first.at)) * 1000)
  }

  secondsLeft(remainingBytes: number): number | null {
    const speed = this.bytesPerSecond()
    return speed === null || speed === 0 ? null : remainingBytes / speed
  }
}
