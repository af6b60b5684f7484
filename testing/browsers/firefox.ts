/** Firefox, driven over WebDriver BiDi. */
import { existsSync } from 'node:fs'
import puppeteer, { type Page } from 'puppeteer-core'
import type { Browser, BrowserKind, Tab } from './browser.ts'

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
      userDataDir: profile,
    })
    return {
      version: await browser.version(),
      open: async () => tabOf(await browser.newPage()),
      close: () => browser.close(),
    }
  },
}

function tabOf(page: Page): Tab {
  return {
    goto: async (url) => {
      await page.goto(url)
    },
    reload: async () => {
      await page.reload()
    },
    // Their types describe what they are given too closely to be handed on.
    run: (work, input) => page.evaluate(work as () => never, input),
    click: async (xpath) => page.locator(`::-p-xpath(${xpath})`).click(),
    type: async (xpath, text) => {
      const box = await page.$(`::-p-xpath(${xpath})`)
      if (box === null) throw new Error(`There is no ${xpath}.`)
      await box.type(text)
    },
    close: () => page.close(),
  }
}
