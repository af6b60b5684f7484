/** Captions single pictures once more, beside a run or without one. */
import type { RunSettings } from '../../studio/project.ts'
import type { Settling } from '../../studio/run.ts'
import type { Answering, OtherJob } from '../answering.ts'
import type { Asking } from './asking.ts'
import { STUDIO } from './looks.ts'
import type { Room } from './room.ts'

export class Again {
  readonly #room: Room
  readonly #answering: Answering
  readonly #asking: Asking
  /** Keys of the jobs that wait or are under way. */
  readonly #keys = new Set<string>()

  constructor(room: Room, answering: Answering, asking: Asking) {
    this.#room = room
    this.#answering = answering
    this.#asking = asking
  }

  begin(path: string, settings: RunSettings): void {
    const one: Settling = { id: null, settings: { ...settings, existing: 'overwrite' } }
    const job: OtherJob = {
      key: `${STUDIO} again ${path}`,
      run: async (signal) => {
        const outcome = await this.#asking.captioned(path, one, { signal })
        // It was withdrawn.
        if (!this.#keys.has(job.key)) return
        // Its model went, and it waits for the next.
        if (outcome.code === 'cancelled') this.#answering.queue.add(job)
        else {
          this.#keys.delete(job.key)
          if (outcome.code !== undefined) this.#room.show({ failure: outcome })
        }
      },
    }
    this.#keys.add(job.key)
    this.#answering.queue.add(job)
  }

  withdrawAll(): void {
    for (const key of this.#keys) this.#answering.queue.withdraw(key)
    this.#keys.clear()
  }
}
