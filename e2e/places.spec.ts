import { expect, test } from './fixtures.ts'

test('Users whose connection fails on the way to a place are told, and get there the second time', async ({
  page,
  app,
  expected,
}) => {
  expected.errors.push(/ERR_FAILED/)
  const code = '**/assets/studio-view-*.js'
  await page.route(code, (route) => route.abort())
  await page.goto('/?provider=wasm#/studio')
  const alert = page.getByRole('alert')
  await expect(alert).toContainText('This part of the page could not be fetched')
  // What does not depend on it goes on.
  await expect(app.list).toBeVisible()
  await page.unroute(code)
  await alert.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('heading', { level: 2, name: 'Caption studio' })).toBeVisible()
  await expect(alert).toHaveCount(0)
  await expect(page.locator('main')).toBeFocused()
})
