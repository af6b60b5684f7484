/**
 * Pages from which the browser withholds something: a secure context, databases, settings, caches, service workers. The
 * built-in model answers all the same, and the page says once what is not kept, and why.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from '@playwright/test'
import { launchOptions } from '../testing/browser.ts'
import { AppPage, expect } from './fixtures.ts'
import { damageChunk, PACK, PICTURE, read, test } from './model-fixtures.ts'

const PORT = process.env['PICTALK_PORT'] ?? ''
/** An address for documentation (RFC 5737), which the browser is told to take for this machine: not a secure context. */
const LAN = '192.0.2.1'

const { args, ...browser } = launchOptions()
test.use({ launchOptions: { ...browser, args: [...args, `--host-resolver-rules=MAP ${LAN} localhost`] } })

/** Where a module's own code begins, in page and workers alike, `code` has run. */
async function beforeEverything(page: Page, code: string): Promise<void> {
  await page.addInitScript(code)
  await page.route(/worker.*\.js$/, async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, body: `${code};${await response.text()}` })
  })
}

const denied = (owner: string, name: string): string =>
  `Object.defineProperty(${owner}, '${name}', { configurable: true, get() { throw new DOMException('Denied.', 'SecurityError') } })`
const absent = (owner: string, name: string): string =>
  `Object.defineProperty(${owner}, '${name}', { configurable: true, value: undefined })`

/** Captions a picture and answers a question about it. */
async function talk(app: AppPage): Promise<void> {
  await app.choose(PICTURE)
  expect(await app.finished('good-rgb.png')).toMatch(/[a-z]{2,}/)
  await app.ask('what is in the picture?')
  expect(await app.finished('good-rgb.png: what is in the picture?')).toMatch(/[a-z]{2,}/)
}

/** Says it once: after a click it is gone. */
async function saysOnce(app: AppPage, sentences: RegExp[]): Promise<void> {
  const notice = app.page.getByRole('group', { name: 'Not kept' })
  for (const sentence of sentences) await expect(notice).toContainText(sentence)
  await notice.getByRole('button', { name: 'All right' }).click()
  await expect(notice).toHaveCount(0)
}

const NOTHING_KEPT = /lets the page keep nothing.*conversations and settings last until it is closed/
const NO_STORAGE = /has no storage for pages: conversations last until it is closed/
const NO_SETTINGS = /keeps no settings of this page/
const PLAIN_HTTP = /came over plain http.*answers are computed on the processor/

/** Adding a model is refused in a sentence, and nothing was asked of any server. */
async function refusesModels(app: AppPage): Promise<void> {
  await app.openSheet()
  await app.page.getByLabel('Address of a model').fill('http://127.0.0.1:9/model')
  await app.page.locator('form').getByRole('button', { name: 'Look at it', exact: true }).click()
  await expect(app.model).toContainText(/no model can be added; allow this page to keep data/)
}

test.describe('Users whose browser withholds', () => {
  const cases: [string, string[], RegExp[]][] = [
    ['databases, which are absent', [absent('globalThis', 'indexedDB')], [NO_STORAGE]],
    [
      'databases, which throw',
      [denied('globalThis', 'indexedDB')],
      [/lets the page keep nothing.*: conversations last/],
    ],
    [
      'databases, which open with an error',
      [
        `indexedDB.open = () => { const request = new EventTarget(); setTimeout(() => request.onerror?.(new Event('error'))); request.error = new DOMException('Denied.', 'InvalidStateError'); return request }`,
      ],
      [/lets the page keep nothing/],
    ],
    ['settings', [`if (typeof window === 'object') ${denied('window', 'localStorage')}`], [NO_SETTINGS]],
    [
      'caches, locks, channels, the quota and service workers',
      [
        denied('globalThis', 'caches'),
        absent('navigator', 'locks'),
        absent('navigator', 'storage'),
        absent('globalThis', 'BroadcastChannel'),
        `if (typeof window === 'object') { ${denied('navigator', 'serviceWorker')} }`,
      ],
      [],
    ],
    [
      'all of it',
      [
        denied('globalThis', 'indexedDB'),
        denied('globalThis', 'caches'),
        absent('navigator', 'locks'),
        `Object.defineProperty(navigator, 'storage', { value: { estimate: () => Promise.reject(new TypeError('No.')), persist: () => Promise.reject(new TypeError('No.')) } })`,
        `globalThis.BroadcastChannel = class { constructor() { throw new DOMException('Denied.', 'SecurityError') } }`,
        `if (typeof window === 'object') { ${denied('navigator', 'serviceWorker')}; ${denied('window', 'localStorage')} }`,
      ],
      [NOTHING_KEPT],
    ],
  ]
  for (const [name, code, sentences] of cases) {
    test(name, async ({ app, page }) => {
      await beforeEverything(page, code.join(';'))
      await app.open('?provider=wasm')
      if (sentences.length > 0) await saysOnce(app, sentences)
      else await expect(page.getByRole('group', { name: 'Not kept' })).toHaveCount(0)
      await talk(app)
      if (code.some((line) => line.includes('indexedDB'))) await refusesModels(app)
    })
  }
})

test.describe('Users of a page over plain http on another machine', () => {
  test.use({ baseURL: `http://${LAN}:${PORT}` })

  test('get answers from the processor, keep their conversations, and can add a model, every byte of it verified', async ({
    app,
    page,
    models,
    server,
  }) => {
    await app.open()
    expect(await page.evaluate(() => isSecureContext || 'subtle' in crypto)).toBe(false)
    await saysOnce(app, [PLAIN_HTTP])
    await app.openSheet()
    await expect(app.model).toContainText('WebAssembly')
    await app.closeSheet()
    await talk(app)
    await app.open()
    await app.finished('good-rgb.png: what is in the picture?')

    // What is captioned with it is in sight alone.
    await app.startAnew()
    await app.openSheet()
    await models.look(server.origin)
    await models.accept('Download')
    await expect(app.model).toContainText('works without a connection')
    await damageChunk(
      page,
      createHash('sha256')
        .update(read(`${PACK}/decoder.weights`) ?? '')
        .digest('hex'),
    )
    const before = server.served.length
    expect(await models.useMendedAndCaption()).toMatch(/[a-z]{2,}/)
    expect(server.served.slice(before).map(({ path }) => path)).toEqual(['decoder.weights'])
  })
})

test('Users who have the browser block all site data get answers that last until the page is closed', async ({
  baseURL,
}) => {
  const profile = mkdtempSync(join(tmpdir(), 'pictalk-blocked-'))
  mkdirSync(join(profile, 'Default'))
  // What the browser's own switch "block all site data" writes.
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } }
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences))
  const context = await chromium.launchPersistentContext(profile, {
    ...launchOptions(),
    serviceWorkers: 'allow',
    ...(baseURL !== undefined && { baseURL }),
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  const app = new AppPage(page)
  await app.open('?provider=wasm')
  await saysOnce(app, [NOTHING_KEPT])
  await talk(app)
  await refusesModels(app)
  expect(complaints).toEqual([])
  await context.close()
  rmSync(profile, { recursive: true, force: true })
})
