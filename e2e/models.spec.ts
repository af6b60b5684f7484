import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { convertBlip2 } from '../src/convert/convert.ts'
import { sha256Hex, sinkInMemory } from '../src/pack/bytes.ts'
import { plainNetwork } from '../src/remote/network.ts'
import { openHub } from '../src/remote/hub.ts'
import { startFaultServer, type FaultServer } from './fault-server.ts'
import { AppPage, expect, test as base, type Expected } from './fixtures.ts'
import { startHubServer, type HubServer } from './hub-server.ts'

const PACK = 'public/models/drawn-scenes'
const CHECKPOINT = 'models/drawn-scenes/checkpoint'
const PICTURE = 'e2e/images/good-rgb.png'

/** The models of the page, as a person meets them. */
class Models {
  readonly app: AppPage
  readonly page: Page

  constructor(app: AppPage) {
    this.app = app
    this.page = app.page
  }

  async open(): Promise<void> {
    await this.app.open('?provider=wasm')
    await this.page.getByText('Other models').click()
  }

  async look(address: string, precision?: string): Promise<void> {
    if (precision !== undefined)
      await this.page.getByLabel('Checkpoints are converted to').selectOption(precision)
    await this.page.getByLabel('Address of a model').fill(address)
    await this.page.locator('form').getByRole('button', { name: 'Look at it', exact: true }).click()
  }

  async accept(button: 'Download' | 'Fetch and convert'): Promise<void> {
    await this.page.getByRole('checkbox').check()
    await this.page.getByRole('button', { name: button, exact: true }).click()
  }

  /** Changes over to what was just added and captions a picture with it. */
  async useAndCaption(): Promise<string> {
    await this.page.getByRole('button', { name: /^Use it: / }).click()
    await expect(this.app.model.getByRole('heading', { level: 2 })).not.toContainText('Built-in')
    await expect(this.app.model).toContainText('Runs on')
    await this.app.choose(PICTURE)
    return this.app.finished(0)
  }
}

interface Fixtures {
  models: Models
  server: FaultServer
  hub: HubServer
}

const test = base.extend<Fixtures & { expected: Expected }>({
  models: async ({ app }, use) => use(new Models(app)),
  /** The built-in model's pack, on another origin. */
  server: async ({ expected }, use) => {
    const server = await startFaultServer((path) => read(join(PACK, path)))
    expected.origins.push(server.origin)
    await use(server)
    await server.close()
  },
  /** The built-in model's checkpoint, as the hub would have it. */
  hub: async ({ expected, page }, use) => {
    const hub = await startHubServer({ 'test/scenes': CHECKPOINT })
    expected.origins.push(hub.hub.origin, hub.files.origin)
    const known = { name: 'Test scenes', address: 'test/scenes', precision: 'q8', note: 'For tests.' }
    await page.route('**/models.json', (route) => route.fulfill({ json: { hub: hub.url, models: [known] } }))
    await use(hub)
    await hub.close()
  },
})

function read(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

interface Kept {
  manifest: string
  complete: boolean
}

/** What the browser's store holds, read past the app. */
async function storeOf(page: Page): Promise<{ packs: Kept[]; chunks: Record<string, number> }> {
  return page.evaluate(async () => {
    const open = (name: string): Promise<IDBObjectStore> =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open(name)
        request.onsuccess = () => resolve(request.result.transaction('entries').objectStore('entries'))
        request.onerror = () => reject(new Error(name))
      })
    const all = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve) => (request.onsuccess = () => resolve(request.result)))
    const packs = (await all((await open('pictalk-packs')).getAll())) as Kept[]
    const chunks = await open('pictalk-chunks')
    const [keys, blobs] = await Promise.all([all(chunks.getAllKeys()), all(chunks.getAll())])
    const sizes = keys.map((key, i) => [key as string, (blobs[i] as Blob).size])
    return { packs, chunks: Object.fromEntries(sizes) as Record<string, number> }
  })
}

test.describe('four ways to a caption', () => {
  test('Users can download a pack from a server', async ({ models, server, app }) => {
    await models.open()
    await models.look(server.origin)
    await expect(app.model).toContainText('A pack: 3.8 million parameters')
    expect(server.sent(/weights/)).toBe(0)
    await expect(app.page.getByRole('button', { name: 'Download', exact: true })).toBeDisabled()
    await models.accept('Download')
    expect(await models.useAndCaption()).toMatch(/[a-z]{2,}/)
    const bytes = readFileSync(join(PACK, 'decoder.weights')).length
    expect(server.sent(/^decoder\.weights$/)).toBe(bytes)
  })

  test('Users can have a checkpoint of the hub converted, to the same bytes as on the command line', async ({
    models,
    hub,
    app,
  }) => {
    await models.open()
    await app.page.getByRole('button', { name: 'Look at it: Test scenes' }).click()
    await expect(app.model).toContainText('A checkpoint, to be converted here: 3.8 million parameters, q8')
    await models.accept('Fetch and convert')
    expect(await models.useAndCaption()).toMatch(/[a-z]{2,}/)

    const { tree } = await openHub(
      new URL(hub.url),
      { repository: 'test/scenes', revision: 'main' },
      {
        network: plainNetwork(),
      },
    )
    const files = new Map<string, Uint8Array<ArrayBuffer>>()
    await convertBlip2(tree, sinkInMemory(files), { name: 'scenes', precision: 'q8' })
    const { packs, chunks } = await storeOf(app.page)
    expect(packs.map(({ manifest }) => manifest)).toEqual([new TextDecoder().decode(files.get('pack.json'))])
    files.delete('pack.json')
    const hashes = await Promise.all([...files.values()].map((bytes) => sha256Hex(bytes)))
    expect(Object.keys(chunks).sort()).toEqual(hashes.sort())
  })

  test('Users can choose the folder of a checkpoint on their computer', async ({ models, app }) => {
    await models.open()
    const chooser = app.page.waitForEvent('filechooser')
    await app.page.getByRole('button', { name: 'Choose a folder' }).click()
    await (await chooser).setFiles(CHECKPOINT)
    await expect(app.model).toContainText('will be read from this computer')
    await models.accept('Fetch and convert')
    expect(await models.useAndCaption()).toMatch(/[a-z]{2,}/)
  })

  test('Users can choose the files of a pack on their computer', async ({ models, app }) => {
    await models.open()
    const { files } = JSON.parse(readFileSync(join(PACK, 'pack.json'), 'utf8')) as {
      files: { path: string }[]
    }
    const chooser = app.page.waitForEvent('filechooser')
    await app.page.getByRole('button', { name: 'Choose files' }).click()
    await (
      await chooser
    ).setFiles(['pack.json', ...files.map(({ path }) => path)].map((path) => join(PACK, path)))
    await models.accept('Download')
    expect(await models.useAndCaption()).toMatch(/[a-z]{2,}/)
  })
})

test('Users can reload in the middle of a download and go on where it was', async ({
  models,
  server,
  app,
}) => {
  await models.open()
  server.fault = (path, count) =>
    path === 'decoder.weights' && count === 1 ? { kind: 'stall', after: 1_000_000 } : undefined
  await models.look(server.origin)
  await models.accept('Download')
  await expect.poll(async () => Object.keys((await storeOf(app.page)).chunks).length).toBeGreaterThan(5)
  const before = (await storeOf(app.page)).chunks
  await models.open()
  await expect(app.model).toContainText('not complete')
  const sent = server.sent(/\./)
  await app.page.getByRole('button', { name: /^Resume/ }).click()
  await expect(app.model).toContainText('works without a connection')
  // The manifest is looked at again; of the rest only what was not verified.
  const manifest = readFileSync(join(PACK, 'pack.json')).length
  const there = Object.values(before).reduce((sum, bytes) => sum + bytes, 0)
  const { chunks, packs } = await storeOf(app.page)
  const all = Object.values(chunks).reduce((sum, bytes) => sum + bytes, 0)
  expect(server.sent(/\./) - sent).toBeLessThanOrEqual(all - there + 2 * manifest)
  expect(packs).toHaveLength(1)
})

test('Users can pause, go on, cancel and delete', async ({ models, server, app, page }) => {
  await models.open()
  server.fault = (path, count) =>
    path === 'decoder.weights' && count === 1 ? { kind: 'stall', after: 1_000_000 } : undefined
  await models.look(server.origin)
  await models.accept('Download')
  await expect.poll(async () => Object.keys((await storeOf(page)).chunks).length).toBeGreaterThan(5)
  await page.getByRole('button', { name: 'Pause' }).click()
  await expect(app.model).toContainText('What has arrived is kept')
  await page.getByRole('button', { name: 'Resume', exact: true }).click()
  await expect(app.model).toContainText('works without a connection')
  const bytes = readFileSync(join(PACK, 'decoder.weights')).length
  // A pause costs nothing but what was on its way.
  expect(server.sent(/^decoder\.weights$/) - bytes).toBeLessThan(2 ** 16)
  await page.getByRole('button', { name: /^Delete/ }).click()
  await page.getByRole('button', { name: /^Really delete/ }).click()
  await expect.poll(() => storeOf(page)).toEqual({ packs: [], chunks: {} })
})

test('Users whose tab crashes in the middle of a download go on in another', async ({
  models,
  server,
  page,
  context,
  expected,
}) => {
  expected.errors.push(/crash/i)
  await models.open()
  server.fault = (path, count) =>
    path === 'decoder.weights' && count === 1 ? { kind: 'stall', after: 1_000_000 } : undefined
  await models.look(server.origin)
  await models.accept('Download')
  await expect.poll(async () => Object.keys((await storeOf(page)).chunks).length).toBeGreaterThan(5)
  const before = (await storeOf(page)).chunks
  const sent = server.sent()
  const crashed = page.waitForEvent('crash')
  await page.goto('chrome://crash').catch(() => undefined)
  await crashed
  const next = new Models(new AppPage(await context.newPage()))
  await next.open()
  await next.page.getByRole('button', { name: /^Resume/ }).click()
  await expect(next.app.model).toContainText('works without a connection')
  const { chunks } = await storeOf(next.page)
  const missing = Object.entries(chunks).filter(([hash]) => !(hash in before))
  const manifest = readFileSync(join(PACK, 'pack.json')).length
  const bytes = missing.reduce((sum, [, size]) => sum + size, 0)
  expect(server.sent() - sent).toBeLessThanOrEqual(bytes + 2 * manifest)
})

test('Users whose disk is full are told what to do, keep what is there, and go on', async ({
  models,
  server,
  app,
  page,
  baseURL,
}) => {
  await models.open()
  const used = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0)
  const devtools = await page.context().newCDPSession(page)
  const origin = baseURL ?? ''
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: used + 3_000_000 })
  await models.look(server.origin)
  await models.accept('Download')
  await expect(app.model).toContainText(/more and the browser allows|no room left/)
  await expect(app.model).toContainText('no-space')
  await devtools.send('Storage.overrideQuotaForOrigin', { origin })
  await app.model.getByRole('button', { name: 'Resume', exact: true }).first().click()
  await expect(app.model).toContainText('works without a connection')
})

test('Users who lose the connection are told so, and the download goes on by itself', async ({
  models,
  server,
  app,
  context,
  expected,
}) => {
  expected.errors.push(/Failed to load resource|ERR_INTERNET_DISCONNECTED/)
  await models.open()
  server.fault = (path, count) =>
    path === 'decoder.weights' && count === 1 ? { kind: 'cut', after: 1_000_000 } : undefined
  let offline = false
  server.hold = async (path) => {
    if (path !== 'decoder.weights' || offline) return
    offline = true
    await context.setOffline(true)
  }
  await models.look(server.origin)
  await models.accept('Download')
  await expect(app.model).toContainText('There is no connection')
  await context.setOffline(false)
  await expect(app.model).toContainText('works without a connection')
})

test('Users of two tabs download once, and see in one what the other does', async ({
  models,
  server,
  app,
  page,
  context,
}) => {
  await models.open()
  let goOn = (): void => undefined
  const hold = new Promise<void>((resolve) => (goOn = resolve))
  server.hold = (path) => (path === 'decoder.weights' ? hold : Promise.resolve())
  await models.look(server.origin)
  await models.accept('Download')
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible()
  const other = new Models(new AppPage(await context.newPage()))
  await other.open()
  await other.look(server.origin)
  await other.accept('Download')
  goOn()
  await expect(app.model).toContainText('works without a connection')
  await expect(other.app.model).toContainText('works without a connection')
  expect(server.sent(/^decoder\.weights$/)).toBe(readFileSync(join(PACK, 'decoder.weights')).length)
})

test('Users whose storage has gone bad get only the bad part again', async ({
  models,
  server,
  app,
  page,
}) => {
  await models.open()
  await models.look(server.origin)
  await models.accept('Download')
  await expect(app.model).toContainText('works without a connection')
  const hash = await sha256Hex(readFileSync(join(PACK, 'decoder.weights')))
  await page.evaluate(async (key) => {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open('pictalk-chunks')
      request.onsuccess = () => resolve(request.result)
    })
    const transaction = database.transaction('entries', 'readwrite')
    const entries = transaction.objectStore('entries')
    const blob = await new Promise<Blob>((resolve) => {
      const request = entries.get(key) as IDBRequest<Blob>
      request.onsuccess = () => resolve(request.result)
    })
    const write = database.transaction('entries', 'readwrite')
    write.objectStore('entries').put(new Blob([blob.slice(0, blob.size - 1), 'x']), key)
    await new Promise((resolve) => (write.oncomplete = resolve))
    database.close()
  }, hash)
  const before = server.served.length
  expect(await models.useAndCaption()).toMatch(/[a-z]{2,}/)
  expect(server.served.slice(before).map(({ path }) => path)).toEqual(['decoder.weights'])
})

test.describe('Users are told in one sentence what is wrong', () => {
  const cases: [string, FaultServer['fault'], RegExp][] = [
    ['when nothing is there', () => ({ kind: 'answer', status: 404 }), /neither a pack nor a checkpoint/],
    [
      'when the server refuses, without CORS',
      () => ({ kind: 'answer', status: 403, cors: false }),
      /cannot be reached or does not let other pages read/,
    ],
    ['when the server refuses', () => ({ kind: 'answer', status: 403 }), /refuses pack\.json \(403\)/],
    [
      'when it is a web page',
      () => ({ kind: 'answer', status: 200, headers: { 'content-type': 'text/html' }, body: '<p>Hello' }),
      /sent a web page instead of pack\.json/,
    ],
    [
      'when it is no pack',
      () => ({
        kind: 'answer',
        status: 200,
        body: '{"format":"pictalk-pack","version":1,"files":[{"path":"../x"}]}',
      }),
      /This pack cannot be used/,
    ],
  ]
  for (const [name, fault, sentence] of cases) {
    test(name, async ({ models, server, app, expected }) => {
      expected.errors.push(/Failed to load resource|blocked by CORS policy/)
      await models.open()
      server.fault = fault
      await models.look(server.origin)
      await expect(app.model).toContainText(sentence)
    })
  }
})
