/** The store's contract in a page and a worker of any browser, without a test runner: outcomes lie in `outcomes`. */
import { storageProblem } from '../../src/store/indexed-db.ts'
import { acrossThreads } from './across-threads.ts'
import { tryContract, type Outcome } from './contract.ts'
import { storeOfBrowser } from './store-under-test.ts'

const openWorker = (): Worker => new Worker('contract.worker.js', { type: 'module' })

async function tryEverything(): Promise<Outcome[]> {
  const problem = await storageProblem()
  if (problem !== null) return [{ name: 'IndexedDB works', failure: problem }]
  const worker = openWorker()
  const inWorker = new Promise<Outcome[]>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<Outcome[]>) => resolve(data)
    worker.onerror = ({ message }) => resolve([{ name: 'runs', failure: message }])
  })
  worker.postMessage('contract')
  const titled = (where: string, outcomes: Outcome[]): Outcome[] =>
    outcomes.map(({ name, failure }) => ({ name: `${where}: ${name}`, failure }))
  return [
    // One after the other, so that neither waits for the other's locks.
    ...titled('in a worker', await inWorker),
    ...titled('in the page', await tryContract(storeOfBrowser)),
    ...titled('across threads', await acrossThreads(openWorker)),
  ]
}

const outcomes = tryEverything().catch((error: unknown) => [{ name: 'runs', failure: String(error) }])
Object.assign(globalThis, { outcomes })
