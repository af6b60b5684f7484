import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'

/** The rules whose answers depend on colours, and so on the theme. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block']

/** In the place of axe's script where a document has it already: half a megabyte, which each look would send and read anew. */
const NOTHING_TO_ADD = 'undefined'

/** Looks at the page as axe does; without frames there is nothing to put together, for which it would open a page more. */
export async function axeOn(page: Page): Promise<AxeBuilder> {
  const isThere = await page.evaluate(() => 'axe' in globalThis)
  const axe = new AxeBuilder({ page, ...(isThere ? { axeSource: NOTHING_TO_ADD } : {}) })
  return axe.setLegacyMode().options({ resultTypes: ['violations'] })
}

/**
 * Nothing on the page, as it is now, that would be in the way of assistive technology. The page has begun by then, and
 * nothing is half faded in; what a caller opened, the caller has waited for.
 */
export async function expectNoViolations(page: Page): Promise<void> {
  await settled(page)
  await expectNone(await axeOn(page))
}

/** The same state in both themes, so that it is reached once; in the second only colours can be otherwise. */
export async function expectNoneInLightAndDark(page: Page): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light' })
  await expectNoViolations(page)
  await page.emulateMedia({ colorScheme: 'dark' })
  await settled(page)
  const axe = await axeOn(page)
  await expectNone(axe.withRules(OF_COLOURS))
}

/** Nothing of what this looks at. */
export async function expectNone(axe: AxeBuilder): Promise<void> {
  const { violations } = await axe.analyze()
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)).toEqual([])
}

async function settled(page: Page): Promise<void> {
  await expect(page.locator('h1').first()).toBeAttached()
  // What fades is taken to its end, not waited for: what lies in folded or unseen parts of the page may never get there.
  await page.evaluate(() => {
    for (const animation of document.getAnimations())
      if (animation.effect?.getComputedTiming().endTime !== Infinity) animation.finish()
  })
}

/** Nothing is wider than the window. */
export async function expectNoOverflow(page: Page): Promise<void> {
  await expect
    .poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth))
    .toBeLessThanOrEqual(0)
}
