import { readFileSync } from 'node:fs'
import { chromium } from '@playwright/test'
import { launchOptions } from '../testing/browser.ts'
import { AppPage, expect, test } from './fixtures.ts'

test('Users without WebGPU are told so and get their caption from WebAssembly', async ({ baseURL }) => {
  const { args, ...options } = launchOptions({ without: ['WebGPU', 'WebGPUService'] })
  const browser = await chromium.launch({
    ...options,
    args: args.filter((arg) => !arg.includes('webgpu')),
  })
  try {
    const app = new AppPage(await browser.newPage(baseURL === undefined ? {} : { baseURL }))
    await app.open('')
    await app.openSheet()
    await expect(app.model).toContainText('Runs on WebAssembly')
    await expect(app.model).toContainText(/WebGPU/)
    await app.choose('testing/images/good-rgb.png')
    await app.finished(0)
  } finally {
    await browser.close()
  }
})

test('Users are told when the model is damaged, and can load it again', async ({ app, page }) => {
  // Twice: bytes that are wrong are fetched once more before anybody is bothered.
  const wrong = Buffer.alloc(readFileSync('public/models/drawn-scenes/decoder.weights').length)
  await page.route('**/decoder.weights*', (route) => route.fulfill({ body: wrong }), { times: 2 })
  await page.goto('/?provider=wasm')
  await expect(app.chip).toContainText('not loaded')
  await app.openSheet()
  await expect(app.model).toContainText('damaged')
  await app.model.getByRole('button', { name: 'Load again' }).click()
  await expect(app.model).toContainText('Runs on')
})
