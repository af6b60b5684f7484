/** Firefox, driven over WebDriver BiDi. */
import { existsSync } from 'node:fs'
import puppeteer from 'puppeteer-core'
import { WINDOW, type Browser, type BrowserKind } from './browser.ts'
import { puppeteerTab } from './puppeteer-tab.ts'

const INSTALLED = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
]

/** Path of an installed one (`FIREFOX_PATH` wins). */
function installed(): string | undefined {
  const named = process.env['FIREFOX_PATH']
  return [...(named ? [named] : []), ...INSTALLED].find((path) => existsSync(path))
}

export const firefox: BrowserKind = {
  name: 'Firefox',
  keepsProfile: true,
  missing: () => (installed() === undefined ? 'Firefox (Debian: firefox-esr)' : null),
  async launch(profile): Promise<Browser> {
    const executablePath = installed()
    if (executablePath === undefined) throw new Error('Firefox is not installed.')
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath,
      headless: true,
      defaultViewport: WINDOW,
      userDataDir: profile,
    })
    return {
      version: await browser.version(),
      open: async () => puppeteerTab(await browser.newPage()),
      close: () => browser.close(),
    }
  },
}
