/**
 * Converts a checkpoint of the size of `blip2-opt-2.7b` in Chromium, from a stand-in for the hub into IndexedDB, and
 * then loads what came out:
 *   npm run build && npx tsx scripts/full-size-conversion.ts [--layers 39,12,32] [--precision q4f16] [--reload-at 0.5]
 *     [--profile <folder>] [--load]
 * Prints JSON lines: progress every ten seconds, then the figures: seconds, bytes the server sent, bytes kept, and the
 * peak memory of the browser's processes in MB, as the sum of what is resident (`rss`, which counts shared pages once
 * for each process) and of each one's share of it (`pss`).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium, type Page } from '@playwright/test'
import { preview } from 'vite'
import { launchOptions } from './browser.ts'
import { watchMemory } from './browser-memory.ts'
import { startSyntheticHub } from './synthetic-hub.ts'

const { values } = parseArgs({
  options: {
    layers: { type: 'string', default: '39,12,32' },
    precision: { type: 'string', default: 'q4f16' },
    'reload-at': { type: 'string' },
    profile: { type: 'string' },
    load: { type: 'boolean', default: false },
  },
})
const REPOSITORY = 'Salesforce/blip2-opt-2.7b'
const PORT = 4341

function say(facts: object): void {
  console.log(JSON.stringify(facts))
}

async function openModels(page: Page, provider: 'wasm' | 'webgpu'): Promise<void> {
  await page.goto(`http://localhost:${PORT}/?provider=${provider}`)
  await page.getByText('Runs on').waitFor({ timeout: 120_000 })
  await page.getByText('Other models').click()
}

/** Waits for the end, telling how far it is; reloads the page once where that was asked for. */
async function follow(page: Page, sentBytes: () => number, started: number): Promise<void> {
  const reloadAt = Number(values['reload-at'] ?? Infinity)
  let reloaded = false
  const model = page.getByRole('region', { name: 'Model' })
  for (let told = 0; ;) {
    const text = await model.innerText()
    if (text.includes('works without a connection')) return
    if ((await model.locator('.notice').count()) > 0) throw new Error(text)
    const bar = model.getByRole('progressbar').first()
    const [value, max] = await bar
      .evaluate((element) => [(element as HTMLProgressElement).value, (element as HTMLProgressElement).max])
      .catch(() => [0, 1])
    const seconds = Math.round((performance.now() - started) / 1000)
    if (seconds >= told + 10) {
      told = seconds
      say({ seconds, done: (value ?? 0) / (max ?? 1), sentBytes: sentBytes() })
    }
    if (!reloaded && (value ?? 0) / (max ?? 1) >= reloadAt) {
      reloaded = true
      say({ reloadedAfter: seconds, sentBytes: sentBytes() })
      await openModels(page, 'wasm')
      await page.getByRole('button', { name: /^Resume/ }).click()
    }
    await page.waitForTimeout(1000)
  }
}

async function main(): Promise<void> {
  const profile = values.profile ?? mkdtempSync(join(tmpdir(), 'pictalk-full-size-'))
  const [vision = 39, qFormer = 12, text = 32] = values.layers.split(',').map(Number)
  const hub = await startSyntheticHub(REPOSITORY, { vision, qFormer, text })
  const server = await preview({ preview: { port: PORT, strictPort: true } })
  const context = await chromium.launchPersistentContext(profile, {
    ...launchOptions(),
    serviceWorkers: 'block',
  })
  const memory = watchMemory(profile)
  try {
    const page = context.pages()[0] ?? (await context.newPage())
    page.setDefaultTimeout(600_000)
    await page.route('**/models.json', (route) => route.fulfill({ json: { hub: hub.url, models: [] } }))
    await openModels(page, 'wasm')
    say({ idle: { ...memory.peak } })
    await page.getByLabel('Checkpoints are converted to').selectOption(values.precision)
    await page.getByLabel('Address of a model').fill(REPOSITORY)
    await page.locator('form').getByRole('button', { name: 'Look at it', exact: true }).click()
    await page.getByRole('checkbox').waitFor()
    say({ offer: await page.locator('.offer').innerText(), sentBytes: hub.sentBytes() })
    await page.getByRole('checkbox').check()
    const started = performance.now()
    await page.getByRole('button', { name: 'Fetch and convert', exact: true }).click()
    await follow(page, hub.sentBytes, started)
    const seconds = Math.round((performance.now() - started) / 1000)
    const keptBytes = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0)
    say({
      converted: values.layers,
      precision: values.precision,
      seconds,
      checkpointBytes: hub.totalBytes,
      sentBytes: hub.sentBytes(),
      keptBytes,
      peak: { ...memory.peak, byType: { ...memory.peak.byType } },
    })
    if (values.load) {
      await openModels(page, 'webgpu')
      Object.assign(memory.peak, { rss: 0, pss: 0, byType: {} })
      const before = performance.now()
      await page.getByRole('button', { name: /^Use: blip2/ }).click()
      const heading = page.getByRole('region', { name: 'Model' }).getByRole('heading', { level: 2 })
      await heading.getByText('blip2').waitFor()
      await page.getByText('Runs on').waitFor()
      const secondsToLoad = Math.round((performance.now() - before) / 1000)
      say({ loaded: await page.getByText('Runs on').innerText(), secondsToLoad, peak: memory.peak })
    }
  } finally {
    memory.stop()
    await context.close()
    await server.close()
    await hub.close()
    if (values.profile === undefined) rmSync(profile, { recursive: true, force: true })
  }
}

await main()
