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

interface Waiter {
  shared: boolean
  grant: () => void
}

/** One name: how many hold it, and who waits for it, in order. */
interface Queue {
  holders: number
  exclusive: boolean
  waiting: Waiter[]
}

/** Locks of a single thread: for tests, and for pages to which a browser gives no others. */
export function locksInMemory(): Locks {
  const queues = new Map<string, Queue>()

  const fits = (queue: Queue, shared: boolean): boolean => queue.holders === 0 || (shared && !queue.exclusive)

  function hold(queue: Queue, shared: boolean): void {
    queue.holders += 1
    queue.exclusive = !shared
  }

  function release(name: string, queue: Queue): void {
    queue.holders -= 1
    for (
      let next = queue.waiting[0];
      next !== undefined && fits(queue, next.shared);
      next = queue.waiting[0]
    ) {
      queue.waiting.shift()
      hold(queue, next.shared)
      next.grant()
    }
    if (queue.holders === 0) queues.delete(name)
  }

  async function request<T>(
    name: string,
    work: () => Promise<T>,
    { shared, signal }: { shared: boolean; signal?: AbortSignal | undefined },
  ): Promise<T> {
    const queue = queues.get(name) ?? { holders: 0, exclusive: false, waiting: [] }
    queues.set(name, queue)
    // Who comes later does not overtake.
    if (queue.waiting.length === 0 && fits(queue, shared)) hold(queue, shared)
    else await turn(queue, shared, signal)
    try {
      return await work()
    } finally {
      release(name, queue)
    }
  }

  return {
    exclusive: (name, work, signal) => request(name, work, { shared: false, signal }),
    shared: (name, work) => request(name, work, { shared: true }),
    ifFree: (name, work) =>
      queues.has(name) ? Promise.resolve(undefined) : request(name, work, { shared: false }),
  }
}

/** Resolves when it is this one's turn, which then holds already. */
function turn(queue: Queue, shared: boolean, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      queue.waiting = queue.waiting.filter((one) => one !== waiter)
      reject(new AppError('cancelled', 'Stopped.'))
    }
    const waiter: Waiter = {
      shared,
      grant: () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      },
    }
    queue.waiting.push(waiter)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}

const ownLocks = locksInMemory()

/**
 * The locks of this site, shared by all tabs; those of this thread where the browser gives none: outside secure contexts
 * and where site data is blocked.
 */
export function browserLocks(): Locks {
  const manager = (navigator as { locks?: LockManager }).locks
  return manager === undefined ? ownLocks : withFallback(webLocks(manager), ownLocks)
}

/** A browser that blocks site data offers locks and refuses each request (Web Locks, 4.1: SecurityError). */
function withFallback(first: Locks, second: Locks): Locks {
  async function attempt<R>(request: (locks: Locks, began: () => void) => Promise<R>): Promise<R> {
    const work = { begun: false }
    try {
      return await request(first, () => (work.begun = true))
    } catch (error) {
      const refused = !work.begun && error instanceof DOMException && error.name === 'SecurityError'
      if (!refused) throw error
      return request(second, () => undefined)
    }
  }
  const noting =
    <T>(work: () => Promise<T>, began: () => void) =>
    (): Promise<T> => {
      began()
      return work()
    }
  return {
    exclusive: (name, work, signal) =>
      attempt((locks, began) => locks.exclusive(name, noting(work, began), signal)),
    shared: (name, work) => attempt((locks, began) => locks.shared(name, noting(work, began))),
    ifFree: (name, work) => attempt((locks, began) => locks.ifFree(name, noting(work, began))),
  }
}
