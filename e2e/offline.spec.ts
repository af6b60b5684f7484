import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from '@playwright/test'
import { launchOptions } from '../testing/browser.ts'
import { freePort, openBuiltSite, type BuiltSite } from '../testing/servers/built-site.ts'
import { startFaultServer } from '../testing/servers/fault-server.ts'
import { AppPage, expect, test as base } from './fixtures.ts'

/** A host of the page that can be stopped and changed, and a browser that can be closed and opened again. */
interface Site extends BuiltSite {
  browse(): Promise<{ app: AppPage; close: () => Promise<void>; complaints: string[] }>
}

const test = base.extend<{ site: Site }>({
  // The build that the other tests run on lies in dist; this host serves a copy of its own.
  site: async ({}, use) => {
    const root = mkdtempSync(join(tmpdir(), 'pictalk-site-'))
    const built = openBuiltSite(root, await freePort())
    const contexts: BrowserContext[] = []
    await use({
      ...built,
      browse: async () => {
        const context = await chromium.launchPersistentContext(join(root, 'profile'), {
          ...launchOptions(),
          serviceWorkers: 'allow',
        })
        contexts.push(context)
        const page = await context.newPage()
        const complaints: string[] = []
        page.on('console', (message) => {
          if (message.type() === 'error') complaints.push(message.text())
        })
        page.on('pageerror', (error) => complaints.push(error.message))
        return { app: new AppPage(page), complaints, close: () => context.close() }
      },
    })
    for (const context of contexts) await context.close()
    await built.stop()
    rmSync(root, { recursive: true, force: true })
  },
})

test('Users can caption with no server at all after one visit, with a kept model, too', async ({ site }) => {
  await site.start()
  const packs = await startFaultServer((path) => readFileSync(join('public/models/drawn-scenes', path)))
  const first = await site.browse()
  await first.app.page.goto(`${site.url}?provider=wasm`)
  await expect(first.app.chip).toContainText('offline ready')
  await first.app.openSheet()
  await first.app.page.getByLabel('Address of a model').fill(packs.origin)
  await first.app.page.locator('form').getByRole('button', { name: 'Look at it', exact: true }).click()
  await first.app.page.getByRole('checkbox').check()
  await first.app.page.getByRole('button', { name: 'Download', exact: true }).click()
  await first.app.page.getByRole('button', { name: /^Use it: / }).click()
  await expect(first.app.model.getByRole('heading', { level: 2 })).not.toContainText('Built-in')
  await expect(first.app.model).toContainText('Runs on')
  await first.app.choose('testing/images/good-rgb.png')
  const words = await first.app.finished('good-rgb.png')
  expect(first.complaints).toEqual([])
  await first.close()
  await packs.close()
  await site.stop()

  const second = await site.browse()
  await second.app.page.goto(`${site.url}?provider=wasm`)
  await second.app.openSheet()
  await expect(second.app.model.getByRole('heading', { level: 2 })).not.toContainText('Built-in')
  await expect(second.app.model).toContainText('Runs on')
  expect(await second.app.finished('good-rgb.png')).toBe(words)
  await second.app.ask('what is in the picture?')
  await second.app.finished('good-rgb.png: what is in the picture?')
  await second.app.page.getByRole('button', { name: 'Use: built-in model' }).click()
  await expect(second.app.model).toContainText('Built-in model')
  await second.app.choose('testing/images/good-palette.png')
  expect(await second.app.finished('good-palette.png')).toMatch(/[a-z]{2,}/)
  // Places that nobody went to before.
  await second.app.page.getByRole('link', { name: 'Captions' }).click()
  await expect(second.app.page.getByRole('heading', { level: 2, name: 'Caption studio' })).toBeVisible()
  await searchesOffline(second.app.page)
  // A picture from another app, which no server gets: the system posts it as this does.
  await second.app.page.evaluate(
    async (bytes) => {
      const form = new FormData()
      form.append('pictures', new File([new Uint8Array(bytes)], 'shared.png', { type: 'image/png' }))
      await fetch('share', { method: 'POST', body: form })
    },
    [...readFileSync('testing/images/good-rgb.png')],
  )
  await second.app.page.goto(`${site.url}?provider=wasm#/`)
  await second.app.page.reload()
  await expect(second.app.page.getByRole('button', { name: 'Open shared.png large' })).toBeVisible()
  // The list of known models is the host's to change, so it is not kept; nothing else was missed.
  expect(second.complaints.filter((text) => !text.includes('ERR_CONNECTION_REFUSED'))).toEqual([])
})

/** Everything of the model that compares, which nobody wanted before: no server ever gave it to this visit. */
async function searchesOffline(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Talk' }).click()
  await page.getByRole('button', { name: 'How well does it fit?' }).last().click()
  await expect(page.getByText(/fits the picture: \d\d?%/).last()).toBeVisible()
  await page.getByRole('link', { name: 'Search' }).click()
  await expect(page.getByRole('heading', { level: 2, name: 'Search your pictures' })).toBeVisible()
  // The pictures of the conversations, without a folder.
  const results = page.getByRole('grid', { name: 'Pictures' }).getByRole('button')
  await expect(results).toHaveCount(2)
  await page.getByRole('searchbox').fill('a red heart')
  await page.keyboard.press('Enter')
  await expect(results.first()).toContainText(/fits \d\d?%/)
  await results.first().click()
  const details = page.getByRole('dialog', { name: 'Picture' })
  await details.getByText('Where the words point').click()
  await details.getByRole('button', { name: 'Show' }).click()
  await expect(details.locator('canvas')).toHaveCount(1)
  await details.getByRole('button', { name: 'Close' }).click()
  await page.goto(page.url().replace(/#.*/, '#/inside'))
  await expect(page.getByRole('heading', { name: 'Where each query looks' })).toBeVisible()
  await expect(page.getByRole('button', { name: /^Query \d+: likeness/ })).toHaveCount(32)
}

test('Users are offered a new version, and get it when they want it', async ({ site }) => {
  await site.start()
  const { app } = await site.browse()
  await app.page.goto(`${site.url}?provider=wasm`)
  await expect(app.chip).toContainText('offline ready')
  const index = join(site.folder, 'index.html')
  writeFileSync(
    index,
    readFileSync(index, 'utf8').replace('<title>pictalk</title>', '<title>pictalk, newer</title>'),
  )
  const worker = join(site.folder, 'service-worker.js')
  const text = readFileSync(worker, 'utf8')
  const changed = text.replace(/"[0-9a-f]{32}(","url":"index\.html")/, `"${'0'.repeat(32)}$1`)
  expect(changed).not.toBe(text)
  writeFileSync(worker, changed)

  await app.page.reload()
  await expect(app.page.getByRole('button', { name: 'Change over' })).toBeVisible()
  expect(await app.page.title()).toBe('pictalk')
  await app.page.getByRole('button', { name: 'Change over' }).click()
  await expect(app.page).toHaveTitle('pictalk, newer')
})

test("Users are safe from scripts that are not the page's own", async ({ page }) => {
  const response = await page.goto('/')
  const header = response?.headers()['content-security-policy'] ?? ''
  const meta =
    (await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content')) ?? ''
  for (const policy of [header, meta]) {
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'")
    expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'/)
  }
})
