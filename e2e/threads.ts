/** Threads of the page, changed from outside: what ships has no hooks for tests. */
import type { BrowserContext, Page, Worker } from '@playwright/test'

/** Runs what `script` gives at the beginning of each thread whose file is called so. Before the page is opened. */
export async function beginThreadWith(
  pages: Page | BrowserContext,
  name: string,
  script: () => string,
): Promise<void> {
  await pages.route(new RegExp(`${name}.*\\.js`), async (route) => {
    const response = await route.fetch()
    // A block of its own: its names must not meet those of the bundle.
    await route.fulfill({ response, body: `{ ${script()} }\n${await response.text()}` })
  })
}

/** Where an engine can be made to wait: while it reads a picture's file, or between the words of an answer. */
type Held = 'reading' | 'writing'

/**
 * For threads of the engine that can be held, see `hold`: what a thread is about to do is put off until it is let go, or
 * hears something, as a slow one would.
 */
export const HOLDABLE = `
  let letGo = () => undefined
  const held = () => new Promise((resolve) => (letGo = resolve))
  addEventListener('message', () => letGo())
  self.holdAt = (what) => {
    self.heldAt = what
    if (what === null) letGo()
  }
  const arrayBuffer = Blob.prototype.arrayBuffer
  Blob.prototype.arrayBuffer = async function () {
    if (self.heldAt === 'reading') await held()
    return arrayBuffer.call(this)
  }
  // A message to itself is how an engine makes a pause between words.
  const post = MessagePort.prototype.postMessage
  MessagePort.prototype.postMessage = function (...args) {
    if (self.heldAt === 'writing') void held().then(() => post.apply(this, args))
    else post.apply(this, args)
  }`

/** Holds the engines of an open page, so that what they do can be looked at for as long as that takes; null lets them go. */
export async function hold(page: Page, at: Held | null): Promise<void> {
  for (const engine of enginesOf(page))
    await engine.evaluate((what) => {
      const { holdAt } = globalThis as unknown as { holdAt: (what: string | null) => void }
      holdAt(what)
    }, at)
}

/** The threads that run models; what looks after models runs in another one. */
export function enginesOf(page: Page): Worker[] {
  return page.workers().filter((worker) => worker.url().includes('engine.worker'))
}

/** Giving up on a server that has stopped sending, in milliseconds: of what somebody waits for, and of a download. */
const STALLS = { waitedFor: 8_000, download: 30_000 }

/**
 * Lets timers of the thread that fetches models run out ten times as fast, so that waiting for the next attempt takes a
 * second, not ten. For a page that is open. A server that has stopped sending is given up sooner only where `stalls` says so,
 * since a machine that is slow looks the same, and what was on its way is fetched again.
 */
export async function hurryFetching(page: Page, { stalls = false } = {}): Promise<void> {
  const kept = stalls ? [STALLS.waitedFor] : Object.values(STALLS)
  for (const thread of fetchingThreads(page)) await thread.evaluate(hurry, kept)
}

/**
 * Lets timers of an open page run out ten times as fast, up to its next reload, so that it gives up a thread that answers
 * nothing within half a second. For a thread that is lost: what merely takes its time is given up as well.
 */
export async function hurryPage(page: Page): Promise<void> {
  await page.evaluate(hurry, [])
}

/** All timers but those of so many milliseconds. */
function hurry(kept: number[]): void {
  const thread = globalThis as { plainTimeout?: typeof setTimeout }
  const wait = (thread.plainTimeout ??= globalThis.setTimeout.bind(globalThis))
  Object.assign(globalThis, {
    setTimeout: (work: () => void, ms = 0) => wait(work, kept.includes(ms) ? ms : ms / 10),
  })
}

/**
 * Lets the thread that fetches models keep `bytes` more of Blobs; beyond that the database refuses as a browser does whose
 * disk is full. For a page that is open. What it returns makes room again.
 */
export async function fillDisk(page: Page, bytes: number): Promise<() => Promise<void>> {
  const threads = fetchingThreads(page)
  const allow = async (room: number): Promise<void> => {
    for (const thread of threads)
      await thread.evaluate((left) => {
        const disk = globalThis as { room?: number }
        if (disk.room === undefined) {
          const put = Reflect.get<IDBObjectStore, 'put'>(IDBObjectStore.prototype, 'put')
          IDBObjectStore.prototype.put = function (value: unknown, key?: IDBValidKey) {
            const size = value instanceof Blob ? value.size : 0
            if (size > (disk.room ?? 0)) throw new DOMException('The disk is full.', 'QuotaExceededError')
            disk.room = (disk.room ?? 0) - size
            return put.call(this, value, key)
          }
        }
        disk.room = left
      }, room)
  }
  await allow(bytes)
  return () => allow(Number.MAX_SAFE_INTEGER)
}

function fetchingThreads(page: Page): Worker[] {
  const threads = page.workers().filter((worker) => worker.url().includes('keeper.worker'))
  if (threads.length === 0) throw new Error('This page has no thread that fetches models.')
  return threads
}
