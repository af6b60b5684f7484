/** What the store promises between a page and a thread, which is what another tab is, too. */
import { freshName, type Outcome } from './contract.ts'
import { inTime, same, soon, storeOfBrowser as store } from './store-under-test.ts'

const CHANGES = 25
const increase = (present: number | undefined): number => (present ?? 0) + 1

/** What the page asks of the thread. */
type Order = { count: string } | { hold: string } | { say: string }

/** In the thread: does it, and says so on the channel that is called like the thing. */
export async function answerPage(order: unknown): Promise<void> {
  const { count, hold, say } = order as Partial<Record<'count' | 'hold' | 'say', string>>
  if (count !== undefined) {
    const table = store.table<number>(count)
    await Promise.all(Array.from({ length: CHANGES }, () => table.update('n', increase)))
    store.channel<string>(count).post('counted')
  }
  if (hold !== undefined)
    await store.locks().exclusive(hold, () => {
      store.channel<string>(hold).post('held')
      return new Promise(() => undefined)
    })
  if (say !== undefined) {
    await store.table<Blob>(say).set('said', new Blob(['by the thread']))
    store.channel<string>(say).post('said')
  }
}

/** Tells the thread to do something and waits until it is done. */
function asked(worker: Worker, name: string, order: Order): Promise<string> {
  return new Promise((resolve) => {
    store.channel<string>(name).listen(resolve)
    worker.postMessage(order)
  })
}

const cases: Record<string, (worker: Worker, name: string) => Promise<void>> = {
  'a change in one thread is not lost in another': async (worker, name) => {
    const counted = asked(worker, name, { count: name })
    const table = store.table<number>(name)
    for (let i = 0; i < CHANGES; i += 1) await table.update('n', increase)
    await counted
    same(await table.get('n'), 2 * CHANGES, 'the count')
  },
  'a lock of another thread is taken, and free when that thread is ended': async (worker, name) => {
    await asked(worker, name, { hold: name })
    same(await store.locks().ifFree(name, () => Promise.resolve('free')), undefined, 'a taken lock')
    const waiting = store.locks().exclusive(name, () => Promise.resolve('free'))
    await soon(50)
    worker.terminate()
    same(await waiting, 'free', 'the lock of a thread that is gone')
  },
  'a Blob that a thread kept is there when that thread is gone': async (worker, name) => {
    await asked(worker, name, { say: name })
    worker.terminate()
    await soon(50)
    same(await (await store.table<Blob>(name).get('said'))?.text(), 'by the thread', 'the Blob')
  },
}

export async function acrossThreads(openWorker: () => Worker): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const [name, holds] of Object.entries(cases)) {
    const worker = openWorker()
    const failure = await inTime(holds(worker, freshName())).then(
      () => null,
      (error: unknown) => String(error),
    )
    worker.terminate()
    outcomes.push({ name, failure })
  }
  return outcomes
}
