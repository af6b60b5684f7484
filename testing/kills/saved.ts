/** A folder that somebody has chosen to save into: one of the browser's own, since nobody is there to press a button for another. */
import { expect, type Locator, type Page } from '@playwright/test'
import { MANIFEST_PATH, parseManifest } from '../../src/pack/manifest.ts'
import { distinctChunks } from '../../src/store/records.ts'

const FOLDER = 'saved'
/** What is waited for has as long as a busy machine may need. */
export const PATIENCE_MS = 60_000

/** From the next page on, "Save to a folder" saves into it. */
export async function chooseOwnFolder(page: Page): Promise<void> {
  await page.addInitScript((name) => {
    const choose = async (): Promise<FileSystemDirectoryHandle> =>
      (await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true })
    Object.assign(window, { showDirectoryPicker: choose })
  }, FOLDER)
}

/**
 * Opens the built page at a place of the app, whose folder picker gives the site's own folder, and waits for what is
 * there. `site` ends in `/`.
 */
export async function openPlace(
  page: Page,
  { site, place, shows }: { site: string; place: string; shows: (page: Page) => Locator },
): Promise<void> {
  page.setDefaultTimeout(PATIENCE_MS)
  // What tsx makes of functions with names calls this.
  await page.addInitScript('globalThis.__name = (named) => named')
  // What is kept for offline use would be fetched at every start.
  await page.addInitScript(() => Object.defineProperty(navigator, 'serviceWorker', { value: undefined }))
  await chooseOwnFolder(page)
  await page.goto(`${site}?provider=wasm#/${place}`, { waitUntil: 'domcontentloaded' })
  await expect(shows(page)).toBeVisible({ timeout: PATIENCE_MS })
}

/** What is wrong with the pack in the folder, in a sentence; null where there is none or a whole one. */
export async function faultOfSaved(page: Page): Promise<string | null> {
  const { manifest, hashes } = await page.evaluate(
    async ({ folder, manifestPath }) => {
      const hashes: Record<string, string> = {}
      let manifest = ''
      const root = await navigator.storage.getDirectory()
      const saved = await root.getDirectoryHandle(folder, { create: true })
      for await (const [name, handle] of saved) {
        if (!(handle instanceof FileSystemFileHandle)) continue
        const file = await handle.getFile()
        if (name === manifestPath) manifest = await file.text()
        const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer())
        hashes[name] = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
      }
      return { manifest, hashes }
    },
    { folder: FOLDER, manifestPath: MANIFEST_PATH },
  )
  // A file that is about to be written is an empty one first.
  if (manifest === '') return null
  const wrong = distinctChunks(parseManifest(manifest)).filter(({ path, sha256 }) => hashes[path] !== sha256)
  return wrong.length === 0 ? null : `what was saved looks whole, and ${wrong[0]?.path ?? ''} is another`
}
