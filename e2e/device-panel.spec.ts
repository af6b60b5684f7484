import { expect, test } from './fixtures.ts'

test('Users can spare memory: what looks at pictures is put away and comes back by itself', async ({
  app,
  page,
}) => {
  await app.open()
  await app.openSettings()
  await page.getByRole('combobox', { name: 'Memory' }).selectOption('Spare memory')
  await page.getByText('This device', { exact: true }).click()
  await expect(page.getByLabel('What was chosen')).toContainText('put away between pictures')
  await app.choose('testing/images/good-rgb.png')
  expect(await app.finished('good-rgb.png')).toMatch(/[a-z]{2,}/)
  // Opened faster than anybody sees it, unless its weights are late.
  let goOn = (): void => undefined
  const late = new Promise<void>((resolve) => (goOn = resolve))
  await page.route('**/vision.weights*', async (route) => {
    await late
    await route.continue()
  })
  await app.choose('testing/images/good-rgb.jpg')
  await expect(app.answer('good-rgb.jpg')).toContainText('Opening the vision encoder')
  goOn()
  expect(await app.finished('good-rgb.jpg')).toMatch(/[a-z]{2,}/)
})
