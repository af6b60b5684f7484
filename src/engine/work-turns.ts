/** Work that must not overlap: one piece after the other, in the order of asking, and what is urgent before what can wait. */
import { AppError } from '../pack/failure.ts'

export interface WorkTurnOptions {
  /** Left out: it is urgent. */
  canWait?: boolean
  /** Leaves the queue, with `cancelled`. When the turn has come, ending is the work's own affair. */
  signal?: AbortSignal
}

interface Waiting {
  canWait: boolean
  begin: () => void
}

export class WorkTurns {
  #waiting: Waiting[] = []
  #taken = false

  /** Whether something urgent waits. */
  get isWanted(): boolean {
    return this.#waiting.some(({ canWait }) => !canWait)
  }

  /** Settles as `work` does. */
  take<T>(work: () => Promise<T>, { canWait = false, signal }: WorkTurnOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
        reject(new AppError('cancelled', 'Stopped.'))
      }
      const waiting: Waiting = {
        canWait,
        begin: () => {
          signal?.removeEventListener('abort', leave)
          void this.#run(work).then(resolve, reject)
        },
      }
      if (signal?.aborted === true) {
        leave()
        return
      }
      signal?.addEventListener('abort', leave, { once: true })
      this.#waiting.push(waiting)
      this.#next()
    })
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } finally {
      this.#taken = false
      this.#next()
    }
  }

  #next(): void {
    if (this.#taken) return
    const next = this.#waiting.find(({ canWait }) => !canWait) ?? this.#waiting[0]
    if (next === undefined) return
    this.#waiting = this.#waiting.filter((other) => other !== next)
    this.#taken = true
    next.begin()
  }
}
