/** The caption studio in a real browser, over a folder that the page keeps for itself: made-up pictures, and what is kept of them. */
import { expect, type Locator, type Page } from '@playwright/test'
import { openPlace, PATIENCE_MS } from './saved.ts'

export interface KeptCaption {
  path: string
  /** Of every version, oldest first. */
  texts: string[]
}

/** A page whose folder picker gives the site's own folder. `site` ends in `/`. */
export function openStudio(page: Page, site: string): Promise<void> {
  const shows = (page: Page): Locator => page.getByRole('heading', { name: 'Caption studio' })
  return openPlace(page, { site, place: 'studio', shows })
}

/** Draws so many pictures into the folder; every second has a caption beside it. */
export async function drawPictures(page: Page, count: number): Promise<void> {
  await page.evaluate(async (count) => {
    const picked = (window as unknown as { showDirectoryPicker: () => Promise<FileSystemDirectoryHandle> })
      .showDirectoryPicker
    const folder = await picked()
    const write = async (name: string, content: Blob | string): Promise<void> => {
      const file = await (await folder.getFileHandle(name, { create: true })).createWritable()
      await file.write(content)
      await file.close()
    }
    const canvas = new OffscreenCanvas(64, 64)
    const context = canvas.getContext('2d')
    if (context === null) throw new Error('There is no canvas.')
    for (let i = 1; i <= count; i += 1) {
      context.fillStyle = `hsl(${(i * 47) % 360} 60% 80%)`
      context.fillRect(0, 0, 64, 64)
      context.fillStyle = `hsl(${(i * 131) % 360} 80% 45%)`
      context.beginPath()
      context.arc(16 + ((i * 7) % 32), 20 + ((i * 5) % 24), 6 + (i % 9), 0, 7)
      context.fill()
      await write(`img${i}.png`, await canvas.convertToBlob())
      if (i % 2 === 0) await write(`img${i}.txt`, `number ${i}\n`)
    }
  }, count)
}

/** Opens the folder and has all of it captioned, behind the captions that are there. */
export async function beginRun(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Open a folder' }).click()
  await page.getByText('How pictures are captioned').click()
  await page.getByLabel('Texts that are there').selectOption('get more behind')
  await page.getByRole('button', { name: /^Caption [\d,]+ pictures$/ }).click()
  await expect(progressOf(page)).toBeVisible({ timeout: PATIENCE_MS })
}

function progressOf(page: Page): Locator {
  return page.getByRole('progressbar', { name: 'Pictures captioned' })
}

/** Waits until a page that was opened anew has gone on with its run, or shows that there is none to go on with. */
export async function takenUp(page: Page): Promise<void> {
  const list = page.getByRole('heading', { name: 'Worked on before' })
  // Before a run is taken up its folder is in the list, where it says that it is not finished.
  const over = page.locator('.studio-start').filter({ has: list, hasNotText: 'a run is not finished' })
  await expect(progressOf(page).or(over)).toBeVisible({ timeout: PATIENCE_MS })
}

/** How many pictures the run has settled, as the page shows it; null when none is under way. */
export async function settledSoFar(page: Page): Promise<number | null> {
  // In one look: the bar goes when the run is over.
  const value = await progressOf(page).evaluateAll(([bar]) => bar?.getAttribute('value') ?? null)
  return value === null ? null : Number(value)
}

/** Everything that is kept of the folder, read past the page. */
export async function keptCaptions(page: Page): Promise<KeptCaption[]> {
  return page.evaluate(async () => {
    const names = (await indexedDB.databases()).map(({ name = '' }) => name)
    const database = names.find((name) => name.startsWith('pictalk-studio-'))
    if (database === undefined) return []
    const result = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error ?? new Error('The database gave no reason.'))
      })
    const opened = await result(indexedDB.open(database))
    const [store] = opened.objectStoreNames
    if (store === undefined) return []
    const entries = await result(opened.transaction(store).objectStore(store).getAll())
    opened.close()
    return (entries as { path: string; versions: { text: string }[] }[]).map(({ path, versions }) => ({
      path,
      texts: versions.map(({ text }) => text),
    }))
  })
}

/** What is wrong with what is kept of drawn pictures, whose run is over; empty is right. */
export function faultsOf(kept: readonly KeptCaption[], alone: readonly KeptCaption[]): string[] {
  const byPath = new Map(kept.map((one) => [one.path, one.texts]))
  const faults = alone.flatMap(({ path, texts }) =>
    JSON.stringify(byPath.get(path)) === JSON.stringify(texts)
      ? []
      : [`${path}: ${JSON.stringify(byPath.get(path))} instead of ${JSON.stringify(texts)}`],
  )
  return kept.length === alone.length
    ? faults
    : [...faults, `${kept.length} pictures instead of ${alone.length}`]
}
