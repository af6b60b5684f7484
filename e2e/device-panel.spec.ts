import { AxeBuilder } from '@axe-core/playwright'
import { expect, test } from './fixtures.ts'

test.describe('on WebGPU', () => {
  test.use({ builtIn: 'small' })

  test('Users can measure their device and copy what was found', async ({ app, page, context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await app.openOnWebGpu()
    await app.openSheet()
    await page.getByText('This device', { exact: true }).click()
    await expect(page.getByLabel('What was chosen')).toContainText('WebGPU')
    await expect(page.getByLabel('What was chosen')).toContainText('recorded once and replayed')
    for (const fact of ['a software adapter gives wrong numbers', 'picture included', 'Workgroup storage'])
      await expect(page.getByLabel('What was chosen')).toContainText(fact)
    await page.getByRole('button', { name: 'Measure this device' }).click()
    await expect(page.getByText('Measuring:')).toBeVisible()
    const figures = page.getByLabel('What was measured')
    await expect(figures).toContainText('tokens/s')
    await expect(app.model).toContainText('Runs on')
    await page.getByRole('button', { name: 'Copy as text' }).click()
    const report: unknown = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))
    expect(report).toMatchObject({
      device: { provider: 'webgpu', recordsSteps: true, subgroups: 'software', context: { why: 'model' } },
      model: { name: 'drawn-scenes' },
      measured: { decode: { recorded: { tokens: 16 } } },
    })
    const { violations } = await new AxeBuilder({ page }).include('details.device').analyze()
    expect(violations.map(({ id }) => id)).toEqual([])
  })
})

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
