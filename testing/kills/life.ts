/** One profile of Chromium whose browser is killed again and again while somebody works in it. */
import { readFileSync } from 'node:fs'
import { expect, type Page } from '@playwright/test'
import type { KeptConversation } from '../../src/conversation/kept.ts'
import { toShown } from '../../src/conversation/kept.ts'
import { soundKept } from '../../src/conversation/sound.ts'
import { sha256Hex } from '../../src/pack/bytes.ts'
import { parseManifest } from '../../src/pack/manifest.ts'
import type { Random } from '../../src/scenes/random.ts'
import { distinctChunks, hashesOf, packId, type StoreRecord } from '../../src/store/records.ts'
import { Promises } from '../power/promises.ts'
import { startChromium } from './chromium.ts'
import { chooseOwnFolder, faultOfSaved } from './saved.ts'
import { everythingOf, witnessChanges, type Change, type Lying } from './witness.ts'

export const PICTURE = 'testing/images/good-rgb.png'
export const ACTIONS = [
  'turns',
  'import',
  'delete',
  'undo',
  'export',
  'download',
  'convert',
  'delete model',
  'save',
] as const
export type Action = (typeof ACTIONS)[number]

/** The longest time between the first click of an action and the kill: most of them are done by then. */
const LONGEST_MS: Record<Action, number> = {
  turns: 5_000,
  import: 600,
  delete: 600,
  undo: 900,
  export: 600,
  download: 2_500,
  convert: 3_500,
  'delete model': 800,
  save: 900,
}

/** By then a page shows its conversations, if it has any. */
const RESTORED_MS = 3_000

export interface Place {
  /** Where the page is. */
  site: string
  /** Addresses of a pack and of a checkpoint. */
  pack: string
  checkpoint: string
  /** Manifests of what is kept of them in the end. */
  manifests: { pack: string; checkpoint: string }
  /** An export with some conversations in it. */
  exported: string
  /** Picture files that may lie there, by their SHA-256. */
  pictures: ReadonlySet<string>
  /** What is begun, each as often as it is listed. */
  actions: readonly [Action, ...Action[]]
}

/** What somebody did in one profile, and what they were told. */
export class Life {
  readonly #profile: string
  readonly #place: Place
  readonly #random: Random
  readonly #promises = new Promises()
  /** Models that the page has said are kept. */
  readonly #models = new Set<'pack' | 'checkpoint'>()
  #questions = 0
  /** Changes that were seen to be kept, and models that were. */
  readonly seen = { changes: 0, models: 0 }

  constructor(profile: string, place: Place, random: Random) {
    this.#profile = profile
    this.#place = place
    this.#random = random
  }

  /** Starts the browser, looks at everything, begins something, and kills the browser. Gives what was begun and when. */
  async killOnce(): Promise<{ action: Action; ms: number }> {
    const { page, kill } = await startChromium(this.#profile)
    try {
      await this.#open(page)
      this.#check(await everythingOf(page))
      await this.#checkSaved(page)
      const action = await this.#choose(page)
      const ms = Math.floor(this.#random.next() * LONGEST_MS[action])
      // What is clicked in vain because the browser is gone is no failure.
      void this.#begin(page, action).catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, ms))
      return { action, ms }
    } finally {
      await kill()
    }
  }

  /** Starts the browser once more and brings both models to their end. */
  async end(): Promise<void> {
    const { page, kill } = await startChromium(this.#profile)
    try {
      await this.#open(page)
      for (const model of ['pack', 'checkpoint'] as const) await this.#add(page, model)
      const lying = await everythingOf(page)
      this.#check(lying)
      const records = lying.packs.map((json) => JSON.parse(json) as StoreRecord)
      expect(records.map(({ kind }) => kind)).toEqual(['pack', 'pack'])
      const named = new Set(records.flatMap(hashesOf))
      expect(Object.keys(lying.chunks).filter((key) => !named.has(key))).toEqual([])
    } finally {
      await kill()
    }
  }

  async #open(page: Page): Promise<void> {
    page.setDefaultTimeout(60_000)
    await witnessChanges(page, (changes) => this.#hear(changes))
    await chooseOwnFolder(page)
    await page.goto(`${this.#place.site}?provider=wasm`, { waitUntil: 'domcontentloaded' })
    await expect(page.getByRole('navigation', { name: 'Conversations' })).toBeVisible({ timeout: 60_000 })
    await expect(page.getByText('cannot be read')).toHaveCount(0)
  }

  #hear(changes: Change[]): void {
    for (const { database, key, value } of changes) {
      if (database !== 'pictalk-conversations') continue
      this.seen.changes += 1
      if (value === null) this.#promises.drop(key)
      else this.#promises.note(soundKept(JSON.parse(value)))
    }
  }

  async #checkSaved(page: Page): Promise<void> {
    const fault = await faultOfSaved(page)
    if (fault !== null) throw new Error(fault)
  }

  /** Throws where something that must not be is there, or something that was reported is not. */
  #check({ conversations, pictures, packs, chunks }: Lying): void {
    // One that is no sound conversation throws.
    const kept = conversations.map((json): KeptConversation => soundKept(JSON.parse(json)))
    const broken = this.#promises.broken(kept)
    if (broken !== null) throw new Error(broken)
    for (const one of kept)
      for (const { id } of toShown(one)?.pictures ?? [])
        if (!this.#place.pictures.has(pictures[id] ?? '')) throw new Error(`the picture of ${one.id} is lost`)
    for (const [key, hash] of Object.entries(chunks))
      if (key !== hash) throw new Error(`chunk ${key} is another: ${hash ?? 'unreadable'}`)
    const records = packs.map((json) => JSON.parse(json) as StoreRecord)
    for (const record of records) {
      if (record.kind !== 'pack' || !record.complete) continue
      const missing = distinctChunks(parseManifest(record.manifest))
        .map(({ sha256 }) => sha256)
        .filter((hash) => chunks[hash] === undefined)
      if (missing.length > 0) throw new Error(`${record.id} looks whole and lacks ${missing.join(', ')}`)
    }
    const whole = new Set(
      records.flatMap((one) => (one.kind === 'pack' && one.complete ? [one.manifest] : [])),
    )
    for (const model of this.#models)
      if (!whole.has(this.#place.manifests[model])) throw new Error(`the ${model} that was kept is gone`)
  }

  async #choose(page: Page): Promise<Action> {
    const action = this.#random.pick(this.#place.actions)
    const list = page.getByRole('navigation', { name: 'Conversations' })
    // What is kept is read a moment after the page is there.
    const first = list.getByRole('listitem').first()
    const isAny = await first.waitFor({ timeout: RESTORED_MS }).then(
      () => true,
      () => false,
    )
    if (['delete', 'undo', 'export'].includes(action) && !isAny) return 'turns'
    if (['delete model', 'save'].includes(action) && this.#models.size === 0) return 'download'
    if (action === 'download' && this.#models.has('pack')) return 'delete model'
    if (action === 'convert' && this.#models.has('checkpoint')) return 'delete model'
    return action
  }

  async #begin(page: Page, action: Action): Promise<void> {
    switch (action) {
      case 'turns':
        return this.#talk(page)
      case 'import':
        return page.locator('input[accept*="zip"]').setInputFiles(this.#place.exported)
      case 'delete':
        return this.#remove(page, 'deletes')
      case 'undo':
        return this.#remove(page, 'undoes')
      case 'export':
        return page.getByRole('button', { name: 'Export all' }).click()
      case 'save':
        return this.#saveModel(page)
      case 'download':
        return this.#add(page, 'pack')
      case 'convert':
        return this.#add(page, 'checkpoint')
      case 'delete model':
        return this.#deleteModel(page)
    }
  }

  async #talk(page: Page): Promise<void> {
    if (this.#questions === 0 || this.#random.next() < 0.4) {
      await page.locator('input[accept="image/*"]').setInputFiles(PICTURE)
    }
    const box = page.getByRole('textbox', { name: 'Ask about the image' })
    for (let count = 0; count < 3; count += 1) {
      await box.fill(`is there a cat, ${(this.#questions += 1)}?`)
      await box.press('Enter')
    }
  }

  async #saveModel(page: Page): Promise<void> {
    await page.getByRole('button', { name: /^Model:/ }).click()
    for (let times = 0; times < 3; times += 1)
      await page
        .getByRole('button', { name: /^Save to a folder: / })
        .last()
        .click()
  }

  /** Some of a conversation or all of it; `undoes`: all of it, and brings it back, and once more. */
  async #remove(page: Page, then: 'deletes' | 'undoes'): Promise<void> {
    if (then === 'undoes') {
      const remove = page.getByRole('button', { name: /^Delete conversation/ }).first()
      for (let times = 0; times < 3; times += 1) {
        await remove.click()
        await page.getByRole('button', { name: 'Undo' }).click()
      }
      return remove.click()
    }
    const turns = page.getByRole('button', { name: /^Remove / })
    if (this.#random.next() < 0.5 && (await turns.count()) > 0) await turns.last().click()
    else
      await page
        .getByRole('button', { name: /^Delete conversation/ })
        .first()
        .click()
    if (this.#random.next() < 0.4) await page.getByRole('button', { name: 'Undo' }).click()
  }

  async #add(page: Page, model: 'pack' | 'checkpoint'): Promise<void> {
    await page.getByRole('button', { name: /^Model:/ }).click()
    const precision = page.getByLabel('Checkpoints are converted to')
    if (!(await precision.isVisible())) await page.getByText('Conversion and access').click()
    await precision.selectOption('q8')
    await page.getByLabel('Address of a model').fill(this.#place[model])
    await page.locator('form').getByRole('button', { name: 'Look at it', exact: true }).click()
    await page.getByRole('checkbox').check()
    await page.getByRole('button', { name: /^(Download|Fetch and convert)$/ }).click()
    await page.getByRole('button', { name: /^Use it: / }).waitFor()
    this.#models.add(model)
    this.seen.models += 1
    await page.getByRole('button', { name: /^Model:/ }).click()
  }

  async #deleteModel(page: Page): Promise<void> {
    const [model] = this.#models
    if (model === undefined) return
    const id = await packId(this.#place.manifests[model])
    await page.getByRole('button', { name: /^Model:/ }).click()
    const name = (JSON.parse(this.#place.manifests[model]) as { name: string }).name
    await page.getByRole('button', { name: `Delete: ${name}` }).click()
    this.#models.delete(model)
    await page.getByRole('button', { name: `Really delete: ${name}` }).click()
    await expect(page.getByRole('button', { name: `Delete: ${name}` })).toHaveCount(0)
    const { packs } = await everythingOf(page)
    if (packs.some((json) => (JSON.parse(json) as StoreRecord).id === id))
      console.warn(`${name} was deleted and is there`)
  }
}

/** SHA-256 of a file. */
export function hashOfFile(path: string): Promise<string> {
  return sha256Hex(readFileSync(path))
}
