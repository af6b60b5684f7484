/** What tabs share: a site, a browser that keeps things for them, and a checkpoint on a server that can be held up. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext } from '@playwright/test'
import { expect } from 'vitest'
import { sha256Hex } from '../../src/pack/bytes.ts'
import { MANIFEST_PATH } from '../../src/pack/manifest.ts'
import type { StoreRecord } from '../../src/store/records.ts'
import { launchOptions } from '../browser.ts'
import { everythingOf } from '../kills/witness.ts'
import { converted, type Files } from '../power/small-models.ts'
import { freePort, openBuiltSite, type BuiltSite } from '../servers/built-site.ts'
import { startFaultServer, type FaultServer } from '../servers/fault-server.ts'
import { Tab } from './tab.ts'

/** Large enough for its weights to come in many answers. */
const CHECKPOINT = 'models/drawn-scenes/checkpoint'
const README = '---\nlicense: other\nlicense_name: research-only\n---\n'
export const WEIGHTS = /\.safetensors$/
/** Shares of the weights: while the first part is read, and when it was written. */
export const EARLY = 0.3
export const SECOND_HALF = 0.75
const CONTEXT = { serviceWorkers: 'block', viewport: { width: 1280, height: 800 } } as const

/** The site, for all tests. */
export class Place {
  readonly #folder = mkdtempSync(join(tmpdir(), 'pictalk-tabs-'))
  readonly #site: BuiltSite
  readonly #browser: Browser

  private constructor(site: (folder: string) => BuiltSite, browser: Browser) {
    this.#site = site(this.#folder)
    this.#browser = browser
  }

  static async open(): Promise<Place> {
    const port = await freePort()
    const browser = await chromium.launch(launchOptions())
    const place = new Place((folder) => openBuiltSite(folder, port), browser)
    await place.#site.start()
    return place
  }

  get url(): string {
    return this.#site.url
  }

  async close(): Promise<void> {
    await this.#browser.close()
    await this.#site.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** A profile without anything in it, and a server of its own. */
  async scene(): Promise<Scene> {
    return this.#sceneIn(await this.#browser.newContext(CONTEXT))
  }

  /** The same with a profile that is kept in a folder, and a browser of its own. */
  async sceneOn(profile: string): Promise<Scene> {
    return this.#sceneIn(await chromium.launchPersistentContext(profile, { ...launchOptions(), ...CONTEXT }))
  }

  async #sceneIn(context: BrowserContext): Promise<Scene> {
    const files = readdirSync(CHECKPOINT).map(
      (name) => [name, Uint8Array.from(readFileSync(join(CHECKPOINT, name)))] as const,
    )
    const checkpoint = new Map([...files, ['README.md', new TextEncoder().encode(README)]])
    const server = await startFaultServer((path) => checkpoint.get(path))
    return new Scene({ url: this.url, context, checkpoint, server })
  }
}

/** One test's. */
export class Scene {
  readonly context: BrowserContext
  readonly server: FaultServer
  readonly #url: string
  readonly #checkpoint: Files

  constructor(parts: { url: string; context: BrowserContext; checkpoint: Files; server: FaultServer }) {
    this.#url = parts.url
    this.context = parts.context
    this.server = parts.server
    this.#checkpoint = parts.checkpoint
  }

  /** What the page calls the checkpoint. */
  get name(): string {
    return new URL(this.server.origin).host
  }

  get bytesOfWeights(): number {
    const weights = [...this.#checkpoint].filter(([path]) => WEIGHTS.test(path))
    return weights.reduce((sum, [, bytes]) => sum + bytes.length, 0)
  }

  async tab(): Promise<Tab> {
    const opened = new Tab(await this.context.newPage())
    await opened.open(this.#url)
    return opened
  }

  async close(): Promise<void> {
    await this.context.close()
    await this.server.close()
  }

  /** The pack that the checkpoint becomes where nothing happens. */
  pack(): Promise<Files> {
    return converted(this.#checkpoint, this.name)
  }

  /** Holds weights back once this share of them was sent, until the function that it gives is called. */
  holdWeights(share: number): () => void {
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    const isEnough = (): boolean => this.server.sent(WEIGHTS) >= share * this.bytesOfWeights
    this.server.hold = (path) => (WEIGHTS.test(path) && isEnough() ? released : Promise.resolve())
    return release
  }

  /** One pack is there, whole, the same as on the command line, and nothing else. */
  async keepsThePackAlone({ page }: Tab): Promise<void> {
    const pack = await this.pack()
    const { packs, chunks } = await everythingOf(page)
    const records = packs.map((json) => JSON.parse(json) as StoreRecord)
    const manifest = new TextDecoder().decode(pack.get(MANIFEST_PATH))
    expect(records).toMatchObject([{ kind: 'pack', complete: true, manifest }])
    for (const [key, hash] of Object.entries(chunks)) expect(hash).toBe(key)
    const files = [...pack].filter(([path]) => path !== MANIFEST_PATH).map(([, bytes]) => sha256Hex(bytes))
    expect(Object.keys(chunks)).toEqual(expect.arrayContaining(await Promise.all(files)))
  }
}
