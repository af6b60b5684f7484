/** Search in a real browser, over a folder that the page keeps for itself, and what its index holds, read past the page. */
import type { Locator, Page } from '@playwright/test'
import { openPlace } from './saved.ts'

/** What the index says of one file. */
export interface IndexedFile {
  path: string
  /** Of the file's bytes. */
  sha256: string
  /** SHA-256 of its vectors and their scales. */
  vectors: string
  /** Whether its small picture is there. */
  hasThumbnail: boolean
}

export interface KeptIndex {
  files: IndexedFile[]
  /** What the list of blocks names and nothing holds, or holds and nobody names. */
  loose: string[]
}

/** A page whose folder picker gives the site's own folder. `site` ends in `/`. */
export function openSearch(page: Page, site: string): Promise<void> {
  const shows = (page: Page): Locator => page.getByText('Pictures of all conversations')
  return openPlace(page, { site, place: 'search', shows })
}

/** Has the folder searched for the first time, or brought up to date. */
export async function beginIndexing(page: Page): Promise<void> {
  const update = page.getByRole('button', { name: 'Update: saved' })
  const add = page.getByRole('button', { name: 'Add a folder' })
  await ((await update.count()) > 0 ? update : add).click()
}

function progressOf(page: Page): Locator {
  return page.locator('.sources progress')
}

/** How many files of how many are done, as the page shows it; null when nothing is under way. */
export async function doneSoFar(page: Page): Promise<{ done: number; total: number } | null> {
  // In one look: the bar goes when all is done.
  return progressOf(page).evaluateAll(([bar]) =>
    bar instanceof HTMLProgressElement ? { done: bar.value, total: bar.max } : null,
  )
}

/** How many pictures of the folder the page says are held. */
export async function heldPictures(page: Page): Promise<number> {
  const text = await page.locator('.sources li', { hasText: 'saved' }).locator('.hint').first().innerText()
  return Number(/^[\d,]+/.exec(text)?.[0].replaceAll(',', '') ?? NaN)
}

export async function keptIndex(page: Page): Promise<KeptIndex> {
  return page.evaluate(async () => {
    const result = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error ?? new Error('The database gave no reason.'))
      })
    const hex = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
      [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))]
        .map((byte) => byte.toString(16).padStart(2, '0'))
        .join('')
    const database = await result(indexedDB.open('pictalk-search'))
    const [name] = database.objectStoreNames
    if (name === undefined) return { files: [], loose: ['there is no index'] }
    const store = database.transaction(name).objectStore(name)
    const [keys, values] = await Promise.all([
      result(store.getAllKeys() as IDBRequest<string[]>),
      result(store.getAll()),
    ])
    database.close()
    const entries = new Map(keys.map((key, i) => [key, values[i] as unknown]))
    const files: { path: string; sha256: string; vectors: string; hasThumbnail: boolean }[] = []
    const loose: string[] = []
    for (const [key, value] of entries) {
      const index = /^(index\/.*\/)contents$/.exec(key)?.[1]
      if (index === undefined) continue
      const named = new Set(
        [...(value as { blocks: Map<number, number> }).blocks.keys()].map(
          (number) => `${index}block/${String(number).padStart(6, '0')}`,
        ),
      )
      for (const block of entries.keys())
        if (block.startsWith(`${index}block/`) && !named.has(block)) loose.push(`${block} is named by nobody`)
      for (const key of named) {
        const block = entries.get(key) as
          | {
              pictures: { path: string; sha256: string }[]
              vectors: Int8Array<ArrayBuffer>
              scales: Float32Array<ArrayBuffer>
            }
          | undefined
        if (block === undefined) loose.push(`${key} is not there`)
        const { pictures, vectors, scales } = block ?? {
          pictures: [],
          vectors: new Int8Array(),
          scales: new Float32Array(),
        }
        for (const [i, { path, sha256 }] of pictures.entries()) {
          const rows = scales.length / pictures.length
          const size = vectors.length / pictures.length
          const own = [
            ...new Uint8Array(vectors.slice(i * size, (i + 1) * size).buffer),
            ...new Uint8Array(scales.slice(i * rows, (i + 1) * rows).buffer),
          ]
          const hasThumbnail = entries.has(`${index}thumbnail/${sha256}`)
          files.push({ path, sha256, vectors: await hex(Uint8Array.from(own)), hasThumbnail })
        }
      }
    }
    return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), loose }
  })
}

/** What differs between an index and one that was made undisturbed, in sentences; empty is right. */
export function faultsOfIndex(kept: KeptIndex, alone: KeptIndex): string[] {
  const faults = [...kept.loose]
  const byPath = new Map(kept.files.map((file) => [file.path, file]))
  if (byPath.size !== kept.files.length) faults.push('a file is in the index twice')
  for (const file of alone.files) {
    const own = byPath.get(file.path)
    if (JSON.stringify(own) !== JSON.stringify(file))
      faults.push(`${file.path}: ${JSON.stringify(own)} instead of ${JSON.stringify(file)}`)
  }
  if (kept.files.length !== alone.files.length)
    faults.push(`${kept.files.length} files instead of ${alone.files.length}`)
  return faults
}
