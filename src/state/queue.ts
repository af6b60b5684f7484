/** Work for the engine, one piece at a time and in order. What the work is, the queue does not know. */

export interface Job {
  /** Two jobs of the same key are the same job. */
  key: string
}

/** Why a job ends early: somebody stopped it, or what it works for is gone. */
export type StopReason = 'stopped' | 'withdrawn'

export interface JobQueueOptions<J extends Job> {
  /** Whether the next job may begin now. Who changes that calls `advance`. */
  ready: () => boolean
  /** Of those that wait the one of the lowest rank comes next, among equals the oldest; left out: all are equal. */
  rank?: (job: J) => number
  /** Does the work; never rejects. Ends early when the signal fires, whose reason is a `StopReason`. */
  run: (job: J, signal: AbortSignal) => Promise<void>
}

export class JobQueue<J extends Job> {
  readonly #options: JobQueueOptions<J>
  /** In the order in which they came. */
  readonly #waiting = new Map<string, J>()
  #running: { job: J; abort: AbortController } | null = null

  constructor(options: JobQueueOptions<J>) {
    this.#options = options
  }

  /** What is being worked on; it stays here until its work has ended, though it was told to stop. */
  get running(): J | null {
    return this.#running?.job ?? null
  }

  get waiting(): readonly J[] {
    return [...this.#waiting.values()]
  }

  get idle(): boolean {
    return this.#running === null && this.#waiting.size === 0
  }

  /** Puts a job at the end, unless it is there already. One that was told to stop may be put there again. */
  add(job: J): void {
    const running = this.#running
    if (running?.job.key === job.key && !running.abort.signal.aborted) return
    if (!this.#waiting.has(job.key)) this.#waiting.set(job.key, job)
    this.advance()
  }

  /** Ends what is being worked on, and nothing else. */
  stop(): void {
    this.#running?.abort.abort('stopped' satisfies StopReason)
  }

  /** Ends this job, wherever it stands, and no other: what it works for is gone. */
  withdraw(key: string): void {
    this.#waiting.delete(key)
    if (this.#running?.job.key === key) this.#running.abort.abort('withdrawn' satisfies StopReason)
  }

  /** Begins the next job if it may. */
  advance(): void {
    if (this.#running !== null || !this.#options.ready()) return
    const rank = (job: J): number => this.#options.rank?.(job) ?? 0
    const [job] = this.waiting.toSorted((one, other) => rank(one) - rank(other))
    if (job === undefined) return
    this.#waiting.delete(job.key)
    const abort = new AbortController()
    this.#running = { job, abort }
    void this.#options.run(job, abort.signal).finally(() => {
      this.#running = null
      this.advance()
    })
  }
}
