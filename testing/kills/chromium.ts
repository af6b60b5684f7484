/** Chromium with a profile of its own, in a process group of its own, to be killed as a whole. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { chromium, type Page } from '@playwright/test'
import { launchOptions } from '../browser.ts'

export interface KillableBrowser {
  page: Page
  /** All its processes end at once, as when the system kills them; resolves when they are gone. */
  kill: () => Promise<void>
}

/** Starts it on `profile`, a folder that outlives it. */
export async function startChromium(profile: string): Promise<KillableBrowser> {
  const { executablePath = chromium.executablePath(), args } = launchOptions()
  // Where there is room for it, the list of conversations is unfolded.
  const window = '--window-size=1280,800'
  const flags = ['--headless=new', '--remote-debugging-port=0', window, `--user-data-dir=${profile}`]
  const child = spawn(executablePath, [...flags, ...args, 'about:blank'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(child, 'exit')
  const kill = async (): Promise<void> => {
    // The group has the number of its first process.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    await ended
  }
  try {
    const lines = createInterface(child.stderr)
    const address = await new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => {
        const found = /DevTools listening on (ws:\S+)/.exec(line)?.[1]
        if (found !== undefined) resolve(found)
      })
      lines.once('close', () => reject(new Error('Chromium did not start.')))
    })
    const browser = await chromium.connectOverCDP(address)
    const [context] = browser.contexts()
    if (context === undefined) throw new Error('Chromium has no profile.')
    const page = context.pages()[0] ?? (await context.newPage())
    return { page, kill }
  } catch (error) {
    await kill()
    throw error
  }
}

/** Starts it on `profile`, and kills it behind the work whatever happens. */
export async function inChromium<T>(
  profile: string,
  work: (browser: KillableBrowser) => Promise<T>,
): Promise<T> {
  const browser = await startChromium(profile)
  try {
    return await work(browser)
  } finally {
    await browser.kill()
  }
}
