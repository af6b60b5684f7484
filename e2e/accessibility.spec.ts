import { expect, test } from './fixtures.ts'
import { expectNoViolations } from './violations.ts'

for (const colorScheme of ['light', 'dark'] as const) {
  test(`Users of assistive technology find nothing in the way (${colorScheme})`, async ({ app, page }) => {
    await page.emulateMedia({ colorScheme })
    await page.goto('/?provider=wasm')
    await expectNoViolations(page)
    await expect(app.model).toContainText('Runs on')
    await expectNoViolations(page)
    await page.getByText('Settings', { exact: true }).click()
    await page.getByText('Other models').click()
    await expectNoViolations(page)
    await page.getByLabel('Address of a model').fill(new URL('models/drawn-scenes/', page.url()).href)
    await page.locator('form').getByRole('button', { name: 'Look at it', exact: true }).click()
    await expect(app.model).toContainText('I know what I may do with this model')
    await expectNoViolations(page)
    await page.getByRole('checkbox').check()
    await page.getByRole('button', { name: 'Download', exact: true }).click()
    await expect(app.model).toContainText('works without a connection')
    await expectNoViolations(page)
    await app.choose('testing/images/good-rgb.png', 'testing/images/bad-text.jpg')
    await app.finished(0)
    await expect(app.answer(1)).toContainText('not a picture')
    await expectNoViolations(page)
    const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    expect(width[0]).toBeLessThanOrEqual(width[1] ?? 0)
  })
}

test('Users can do everything by keyboard alone', async ({ app, page }) => {
  await app.open()
  const focus = async (name: RegExp): Promise<void> => {
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press('Tab')
      const label = await page.evaluate(
        () => document.activeElement?.textContent || document.activeElement?.querySelector('img')?.alt || '',
      )
      if (name.test(label)) return
    }
    throw new Error(`No way to ${String(name)} with the Tab key`)
  }
  await focus(/^Example scene/)
  await page.keyboard.press('Enter')
  await app.finished(0)
  await focus(/^Copy$/)
  await focus(/^Remove$/)
  await page.keyboard.press('Enter')
  await expect(app.conversation.getByRole('article')).toHaveCount(0)
  await focus(/^Settings$/)
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('Caption begins with')).toBeVisible()
})
