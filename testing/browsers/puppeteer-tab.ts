/** A tab of a browser that puppeteer drives, be it over BiDi or over Chromium's own protocol. */
import type { Page } from 'puppeteer-core'
import type { Tab } from './browser.ts'

export function puppeteerTab(page: Page): Tab {
  const selector = (xpath: string): string => `::-p-xpath(${xpath})`
  return {
    goto: async (url) => {
      await page.goto(url)
    },
    reload: async () => {
      await page.reload()
    },
    // The types describe what they are given too closely to be handed on.
    run: (work, input) => page.evaluate(work as () => never, input),
    click: (xpath) => page.locator(selector(xpath)).click(),
    type: async (xpath, text) => {
      const box = await page.$(selector(xpath))
      if (box === null) throw new Error(`There is no ${xpath}.`)
      await box.type(text)
    },
    close: () => page.close(),
  }
}
