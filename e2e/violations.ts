import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'

/**
 * Nothing on the page, as it is now, that would be in the way of assistive technology. The page has begun by then, and
 * nothing is half faded in; what a caller opened, the caller has waited for.
 */
export async function expectNoViolations(page: Page): Promise<void> {
  await expect(page.locator('h1').first()).toBeAttached()
  await page.evaluate(() => {
    const passing = document
      .getAnimations()
      .filter((animation) => animation.effect?.getComputedTiming().iterations !== Infinity)
    // One that is taken back meanwhile is over as well.
    return Promise.allSettled(passing.map((animation) => animation.finished)).then(() => undefined)
  })
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)).toEqual([])
}

/** Nothing is wider than the window. */
export async function expectNoOverflow(page: Page): Promise<void> {
  await expect
    .poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth))
    .toBeLessThanOrEqual(0)
}
