/** Chromium: the same run in the browser that all other tests know, for comparison. */
import puppeteer, { type Browser as Puppeteer, type LaunchOptions } from 'puppeteer-core'
import { installedChromium, launchOptions } from '../browser.ts'
import { WINDOW, type Browser, type BrowserKind } from './browser.ts'
import { puppeteerTab } from './puppeteer-tab.ts'

export const chromium: BrowserKind = {
  name: 'Chromium',
  keepsProfile: true,
  missing: () => (installedChromium() === undefined ? 'an installed Chromium (Debian: chromium)' : null),
  async launch(profile): Promise<Browser> {
    const browser = await launchChromium(profile)
    return {
      version: await browser.version(),
      open: async () => puppeteerTab(await browser.newPage()),
      close: () => browser.close(),
    }
  },
}

/** The installed one, driven over its own protocol. `flags` are its own, beside those of all tests. */
export function launchChromium(
  profile: string,
  options: LaunchOptions = {},
  flags: readonly string[] = [],
): Promise<Puppeteer> {
  const executablePath = installedChromium()
  if (executablePath === undefined) throw new Error('Chromium is not installed.')
  const { args } = launchOptions()
  return puppeteer.launch({
    executablePath,
    args: [...args, ...flags],
    headless: true,
    defaultViewport: WINDOW,
    userDataDir: profile,
    protocolTimeout: 600_000,
    ...options,
  })
}
