import type { Page } from '@playwright/test'
import { expect, test, type AppPage } from './fixtures.ts'
import { expectNoneInLightAndDark, expectNoOverflow, expectNoViolations } from './violations.ts'

const PICTURE = 'testing/images/good-rgb.png'

/** Over the sheet, and on a phone over the rail: what lies over the page does not lie over this. */
async function expectUndoInReach(app: AppPage, page: Page): Promise<void> {
  const before = page.viewportSize()
  const undo = page.getByRole('button', { name: 'Undo' })
  if ((before?.width ?? 0) > 1024) await page.setViewportSize({ width: 1024, height: 768 })
  await app.unfold()
  await undo.click({ trial: true })
  await app.openSheet()
  await undo.click({ trial: true })
  await app.closeSheet()
  if (before !== null) await page.setViewportSize(before)
}

test('Users of assistive technology find nothing in the way, in the light and in the dark', async ({
  app,
  page,
}) => {
  await page.goto('/?provider=wasm')
  await expectNoneInLightAndDark(page)
  await app.ready()
  await expectNoneInLightAndDark(page)
  await app.openSettings()
  await expectNoneInLightAndDark(page)
  await page.getByLabel('Address of a model').fill(new URL('models/drawn-scenes/', page.url()).href)
  await page.locator('form').getByRole('button', { name: 'Look at it', exact: true }).click()
  await expect(app.model).toContainText('I know what I may do with this model')
  await expectNoneInLightAndDark(page)
  await page.getByRole('checkbox').check()
  await page.getByRole('button', { name: 'Download', exact: true }).click()
  await expect(app.model).toContainText('works without a connection')
  await app.closeSheet()
  await app.choose(PICTURE, 'testing/images/bad-truncated.jpg')
  await app.factsOf(await app.finished(0).then(() => 0))
  await expect(app.answer(1)).toContainText('cut off')
  await expectNoneInLightAndDark(page)
  await expectNoOverflow(page)
  await app.ask('is there a cat?')
  await app.finished(2)
  await page.getByRole('button', { name: 'Remove is there a cat?' }).click()
  await expectUndoInReach(app, page)
  await page.getByRole('button', { name: 'Add a picture' }).click()
  await expect(page.getByRole('menu')).toBeVisible()
  await expectNoneInLightAndDark(page)
  await page.keyboard.press('Escape')
  await expect(page.getByRole('menu')).toHaveCount(0)
  await page.getByRole('button', { name: /^Open .* large$/ }).click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await expectNoneInLightAndDark(page)
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.getByRole('log').focus()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog')).toBeVisible()
  await expectNoneInLightAndDark(page)
})

test('Users whose connection is slow find a heading and nothing in the way before the page begins', async ({
  page,
}) => {
  await page.route('**/assets/index-*.js', (route) => route.abort())
  await page.goto('/')
  await expectNoViolations(page)
})

test('Users can do everything by keyboard alone', async ({ app, page }) => {
  await app.open()
  const focus = async (name: RegExp): Promise<void> => {
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press('Tab')
      const label = await page.evaluate(() => {
        const { activeElement } = document
        return (
          activeElement?.ariaLabel ??
          (activeElement?.textContent || activeElement?.querySelector('img')?.alt) ??
          ''
        )
      })
      if (name.test(label)) return
    }
    throw new Error(`No way to ${String(name)} with the Tab key`)
  }
  await expect(page.getByRole('button', { name: /^Example scene/ }).first()).toBeVisible()
  await focus(/^Example scene/)
  await page.keyboard.press('Enter')
  await app.finished(0)
  await focus(/^Open .* large/)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toBeVisible()
  await page.keyboard.press('+')
  await expect(page.getByText('Zoom 140 %')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await focus(/^Copy$/)
  await focus(/^Remove/)
  await page.keyboard.press('Enter')
  await expect(app.conversation).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Undo' })).toBeFocused()
  await expect(page.getByRole('status')).toContainText('deleted. Undo with Ctrl')
  await page.keyboard.press('Control+z')
  await app.finished(0)
  await page.keyboard.press('Control+,')
  await expect(app.sheet.getByRole('heading').first()).toBeFocused()
  await focus(/^Settings$/)
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('Caption begins with')).toBeVisible()
})

test('Users whose window is small, or who have everything four times as large, reach what they ask about', async ({
  app,
  page,
}) => {
  const whole = page.viewportSize() ?? { width: 1280, height: 800 }
  await page.setViewportSize({ width: 320, height: 200 })
  await app.open()
  // What is asked of several is put in more words.
  await app.choose(PICTURE, 'testing/images/good-palette.png')
  await app.finished(1)
  await expectNoOverflow(page)
  await page.getByRole('button', { name: /^Rename / }).click()
  await page.getByRole('textbox', { name: 'Name of the conversation' }).fill('Two shapes')
  await page.keyboard.press('Enter')
  const title = page.getByRole('button', { name: 'Rename Two shapes' })
  await expect(title).toHaveText('Two shapes')
  await expect(title).toBeFocused()
  const rail = page.getByRole('button', { name: 'Conversations and model' })
  await rail.click()
  await expect(page.locator('#rail').getByRole('button', { name: 'Close' })).toBeFocused()
  await expectNoViolations(page)
  await page.keyboard.press('Escape')
  await expect(rail).toBeFocused()
  // What is stuck to an edge would leave no room for what it belongs to.
  for (const part of [page.locator('.dock'), page.locator('.picture-pane')])
    await expect(part).toHaveCSS('position', 'static')
  await app.ask('is there a cat?')
  await app.finished(2)
  await app.finished(3)
  // Who moves lets go of the end, which is held while what was asked last comes to rest.
  await app.about(3).focus()
  await expect(app.answer(3)).toBeInViewport()

  await app.startAnew()
  await page.setViewportSize(whole)
  await test.step('nothing to press lies under the line to ask in, in a row of several pictures', () =>
    openRows(app, whole.width))
})

async function openRows(app: AppPage, width: number): Promise<void> {
  const { page } = app
  await app.choose(PICTURE, 'testing/images/good-palette.png', 'testing/images/good-grey.png')
  for (const row of [0, 1, 2]) await app.finished(row)
  await app.ask('is there a cat?')
  for (const row of [3, 4, 5]) await app.finished(row)
  await page.setViewportSize({ width, height: 640 })
  // As high as a draft makes it.
  await page.getByRole('textbox', { name: /^Ask/ }).fill('is it\na cat\nor is it\nnot a cat\nbut a dog?')
  const hidden = (row: number): Promise<string[]> =>
    app.answer(row).evaluate((answer) => {
      const top = document.querySelector('.dock')?.getBoundingClientRect().top ?? 0
      return [...answer.querySelectorAll('button')]
        .filter((button) => button.getBoundingClientRect().bottom > top)
        .map((button) => button.ariaLabel ?? button.textContent)
    })
  for (const row of [0, 1, 2, 3]) {
    // As low as it can be pressed: what opens below it would lie under what is stuck there.
    await app.about(row).evaluate((button) => {
      const top = document.querySelector('.dock')?.getBoundingClientRect().top ?? 0
      button.focus({ preventScroll: true })
      scrollBy(0, button.getBoundingClientRect().bottom + 4 - top)
    })
    await page.keyboard.press('Enter')
    await expect(app.about(row)).toHaveAttribute('aria-expanded', 'true')
    await expect.poll(() => hidden(row)).toEqual([])
    await expectNoViolations(page)
  }
  for (const row of [4, 5]) {
    await app.about(row).evaluate((button) => {
      button.blur()
      scrollBy(0, button.getBoundingClientRect().top + 4 - innerHeight)
      button.focus()
    })
    await expect.poll(() => hidden(row)).toEqual([])
  }
}
