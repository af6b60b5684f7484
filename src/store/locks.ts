/** Who may work on what, across all tabs: the part of the Web Locks API that we use, so that tests can do without it. */
import { AppError } from '../pack/failure.ts'

export interface Locks {
  /** Runs `work` while nobody else holds `name`; waits for that, until the signal fires. */
  exclusive<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Runs `work` together with other shared holders of `name`. */
  shared<T>(name: string, work: () => Promise<T>): Promise<T>
  /** Runs `work` if `name` is free this very moment; undefined when it is not. */
  ifFree<T>(name: string, work: () => Promise<T>): Promise<T | undefined>
}

export function webLocks(manager: LockManager): Locks {
  return {
    exclusive: async (name, work, signal) => {
      try {
        return await manager.request(name, signal === undefined ? {} : { signal }, work)
      } catch (error) {
        if (signal?.aborted && error instanceof DOMException) throw new AppError('cancelled', 'Stopped.')
        throw error
      }
    },
    shared: (name, work) => manager.request(name, { mode: 'shared' }, work),
    ifFree: (name, work) =>
      manager.request(name, { ifAvailable: true }, (lock) => (lock === null ? undefined : work())),
  }
}

/** Locks of a single program. `shared` is as strict as `exclusive`. */
export function locksInMemory(): Locks {
  const tails = new Map<string, Promise<unknown>>()
  const held = new Set<string>()
  const exclusive = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const result = (tails.get(name) ?? Promise.resolve()).then(async () => {
      held.add(name)
      try {
        return await work()
      } finally {
        held.delete(name)
      }
    })
    tails.set(
      name,
      result.catch(() => undefined),
    )
    return result
  }
  return {
    exclusive,
    shared: exclusive,
    ifFree: (name, work) => (held.has(name) ? Promise.resolve(undefined) : exclusive(name, work)),
  }
}
