import { expect, test } from './fixtures.ts'
import { axeOn, expectNone } from './violations.ts'

test.describe('on WebGPU', () => {
  test.use({ builtIn: 'small' })

  test('Users can see and copy what was chosen for their device, change over to WebAssembly and measure that', async ({
    app,
    page,
    context,
  }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    const copied = async (): Promise<unknown> => {
      await page.getByRole('button', { name: 'Copy as text' }).click()
      await expect(page.getByRole('button', { name: 'Copied', exact: true })).toBeVisible()
      return JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))
    }
    await app.openOnWebGpu()
    await app.openSheet()
    await page.getByText('This device', { exact: true }).click()
    const chosen = page.getByLabel('What was chosen')
    await expect(chosen).toContainText('WebGPU')
    await expect(chosen).toContainText('recorded once and replayed')
    for (const fact of ['a software adapter gives wrong numbers', 'picture included', 'Workgroup storage'])
      await expect(chosen).toContainText(fact)
    expect(await copied()).toMatchObject({
      device: { provider: 'webgpu', recordsSteps: true, subgroups: 'software', context: { why: 'model' } },
    })

    await page.getByRole('button', { name: 'Use WebAssembly' }).click()
    await expect(app.model).toContainText('Runs on WebAssembly')
    // What is measured on a graphics device is looked at in a thread alone, where its shaders are compiled already.
    await page.getByRole('button', { name: 'Measure this device' }).click()
    await expect(page.getByLabel('What was measured')).toContainText('tokens/s')
    await expect(app.model).toContainText('Runs on WebAssembly')
    expect(await copied()).toMatchObject({
      device: { provider: 'wasm' },
      model: { name: 'drawn-scenes' },
      measured: { decode: { recorded: null, plain: { tokens: 16 } } },
    })
    await expectNone(axeOn(page).include('details.device'))
    await app.choose('testing/images/good-rgb.png')
    await app.finished(0)
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
