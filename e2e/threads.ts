/** Threads of the page, changed from outside: what ships has no hooks for tests. */
import type { Page } from '@playwright/test'

/** Runs what `script` gives at the beginning of each thread whose file is called so. Before the page is opened. */
export async function beginThreadWith(page: Page, name: string, script: () => string): Promise<void> {
  await page.route(new RegExp(`${name}.*\\.js`), async (route) => {
    const response = await route.fetch()
    // A block of its own: its names must not meet those of the bundle.
    await route.fulfill({ response, body: `{ ${script()} }\n${await response.text()}` })
  })
}

/**
 * Lets timers of the thread that fetches models run out ten times as fast, so that waiting for the next attempt and
 * giving up on a server that has stopped sending take seconds, not half a minute. For a page that is open.
 */
export async function hurryFetching(page: Page): Promise<void> {
  const threads = page.workers().filter((worker) => worker.url().includes('keeper.worker'))
  if (threads.length === 0) throw new Error('This page has no thread that fetches models.')
  for (const thread of threads)
    await thread.evaluate(() => {
      const wait = globalThis.setTimeout.bind(globalThis)
      Object.assign(globalThis, {
        setTimeout: (work: () => void, ms = 0) => wait(work, ms / 10),
      })
    })
}
