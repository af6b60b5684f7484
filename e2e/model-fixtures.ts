/** The models of the page as a person meets them, and the servers that they come from. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { MANIFEST_PATH, parseManifest } from '../src/pack/manifest.ts'
import { startFaultServer, type FaultServer } from '../testing/servers/fault-server.ts'
import { expect, test as base, type AppPage, type Expected } from './fixtures.ts'
import { startHubServer, type HubServer } from '../testing/servers/hub-server.ts'

export const PACK = 'public/models/drawn-scenes'
/** What the pack consists of beside its manifest; in its folder there may be what a conversion remembers, too. */
export const PACK_FILES = parseManifest(readFileSync(join(PACK, MANIFEST_PATH), 'utf8')).files.map(
  ({ path }) => path,
)
export const CHECKPOINT = 'models/drawn-scenes/checkpoint'
export const PICTURE = 'testing/images/good-rgb.png'

export class Models {
  readonly app: AppPage
  readonly page: Page

  constructor(app: AppPage) {
    this.app = app
    this.page = app.page
  }

  async open(): Promise<void> {
    await this.app.open()
    await this.app.openSheet()
  }

  async look(address: string, precision?: string): Promise<void> {
    if (precision !== undefined) await this.convertTo(precision)
    await this.page.getByLabel('Address of a model').fill(address)
    await this.page.locator('form').getByRole('button', { name: 'Look at it', exact: true }).click()
  }

  /** How checkpoints are converted lies folded away. */
  async convertTo(precision: string): Promise<void> {
    const choice = this.page.getByLabel('Checkpoints are converted to')
    if (!(await choice.isVisible())) await this.page.getByText('Conversion and access').click()
    await choice.selectOption(precision)
  }

  async accept(button: 'Download' | 'Fetch and convert'): Promise<void> {
    await this.page.getByRole('checkbox').check()
    await this.page.getByRole('button', { name: button, exact: true }).click()
  }

  /** From a fresh page to the download of a pack. */
  async download(address: string): Promise<void> {
    await this.open()
    await this.look(address)
    await this.accept('Download')
  }

  /** Until everything of the pack is kept but a file of which so much arrived: see `keepBack`. */
  async untilAllBut(path: string, arrived: number): Promise<void> {
    await expect
      .poll(async () => Object.keys((await storeOf(this.page)).chunks).length)
      .toBe(PACK_FILES.length - 1)
    const bytes = PACK_FILES.reduce((sum, file) => sum + (file === path ? arrived : sizeOf(file)), 0)
    await expect(this.page.getByRole('progressbar')).toHaveJSProperty('value', bytes)
  }

  /** Changes over to what was just added. */
  async use(): Promise<void> {
    await this.page.getByRole('button', { name: /^Use it: / }).click()
    await expect(this.app.model.getByRole('heading', { level: 2 })).not.toContainText('Built-in')
    await expect(this.app.model).toContainText('Runs on')
  }

  /** Changes over to what was just added and captions a picture with it. */
  async useAndCaption(): Promise<string> {
    await this.use()
    return this.#caption()
  }

  /** The same for a model of which a part has gone bad: it is loaded, found out, and loaded again. */
  async useMendedAndCaption(): Promise<string> {
    await this.use()
    await expect(this.app.model).toContainText('had gone bad in this browser')
    await expect(this.app.model).toContainText('Runs on')
    return this.#caption()
  }

  async #caption(): Promise<string> {
    await this.app.choose(PICTURE)
    return this.app.finished(0)
  }
}

/** A file of the pack, in bytes. */
export function sizeOf(path: string): number {
  return statSync(join(PACK, path)).size
}

interface Fixtures {
  models: Models
  server: FaultServer
  hub: HubServer
}

export const test = base.extend<Fixtures & { expected: Expected }>({
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

/**
 * Has the server send so many bytes of a file and no more, however often it is asked, until what this returns is called:
 * a page that is slow to be looked at must not have asked again meanwhile.
 */
export function keepBack(server: FaultServer, path: string, bytes: number): () => void {
  server.fault = (asked, _count, start) =>
    asked === path ? { kind: 'stall', after: Math.max(0, bytes - start) } : undefined
  return () => {
    server.fault = () => undefined
  }
}

export function read(path: string): Uint8Array | undefined {
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
export async function storeOf(page: Page): Promise<{ packs: Kept[]; chunks: Record<string, number> }> {
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

/** Changes the last byte of a kept chunk, as a disk might. */
export async function damageChunk(page: Page, hash: string): Promise<void> {
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
}
