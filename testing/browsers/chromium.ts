/** Chromium, for comparison: the same run in the browser that all other tests know. */
import { chromium as playwright, type Page } from 'playwright'
import { installedChromium, launchOptions } from '../browser.ts'
import type { Browser, BrowserKind, Tab } from './browser.ts'

export const chromium: BrowserKind = {
  name: 'Chromium',
  keepsProfile: true,
  missing: () => (installedChromium() === undefined ? 'Chromium (Debian: chromium)' : null),
  async launch(profile): Promise<Browser> {
    const context = await playwright.launchPersistentContext(profile, launchOptions())
    return {
      version: `chromium/${context.browser()?.version() ?? '?'}`,
      open: async () => tabOf(await context.newPage()),
      close: () => context.close(),
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
    click: (xpath) => page.locator(`xpath=${xpath}`).click(),
    type: (xpath, text) => page.locator(`xpath=${xpath}`).pressSequentially(text),
    close: () => page.close(),
  }
}
