/**
 * A model of a published size, `blip2-opt-2.7b` unless `--model flan-t5-xxl` or another says it, in Chromium, from nothing to an answer without a network:
 *   npm run build && npx tsx lab/speed/full-size.ts [--steps keep,load,answer] [--pack <folder>] [--build jspi|asyncify]
 *     [--layers 39,12,32] [--precision q4f16] [--reload-at 0.5] [--share 0.02] [--profile <folder>] [--tokens 3] [--out <file>]
 * keep: a checkpoint from a stand-in for the hub is converted into IndexedDB, or with `--pack` that pack is downloaded.
 * load: the page changes over to it. answer (with or without load before it): every server is stopped, the page reloaded,
 * a picture dropped on it, and as many tokens decoded greedily. With `--profile` what was kept stays for the next time.
 * `--share` ends keeping once so much of it is done. Prints JSON lines: progress, then what each step took and the peak memory of the browser's processes in MB (see
 * `browser-memory.ts`) and of GPU buffers in bytes. `--out` keeps the latter as one JSON.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium, type Locator, type Page } from '@playwright/test'
import { transformWithOxc } from 'vite'
import { servePack } from '../../src/cli/serve.ts'
import type { GpuCounts } from '../../src/bench/gpu-probe.ts'
import { GREEDY } from '../../src/pack/decoding.ts'
import { PUBLISHED } from '../../src/synthetic/published.ts'
import { launchOptions } from '../../testing/browser.ts'
import { watchMemory, type Memory } from './browser-memory.ts'
import { freePort, openBuiltSite } from '../../testing/servers/built-site.ts'
import { startSyntheticHub } from '../../testing/servers/synthetic-hub.ts'

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: 'keep,load,answer' },
    pack: { type: 'string' },
    build: { type: 'string', default: 'jspi' },
    model: { type: 'string', default: 'opt-2.7b' },
    layers: { type: 'string' },
    precision: { type: 'string', default: 'q4f16' },
    'reload-at': { type: 'string' },
    share: { type: 'string', default: '1' },
    profile: { type: 'string' },
    tokens: { type: 'string', default: '3' },
    image: { type: 'string', default: 'testing/images/good-rgb.png' },
    out: { type: 'string' },
  },
})
const REPOSITORY = `Salesforce/blip2-${values.model}`
/** An answer of a software adapter takes as long as it takes. */
const HOURS_MS = 6 * 3_600_000

/** Leaves ONNX Runtime's asyncify build. V8's own flag hides nothing of it and has loading stand still (Chromium 156). */
const WITHOUT_JSPI = "Reflect.deleteProperty(WebAssembly, 'Suspending');\n"

function say(facts: object): void {
  console.log(JSON.stringify({ at: new Date().toISOString().slice(11, 19), ...facts }))
}

/** `hub` is where the page looks for checkpoints. */
interface Site {
  url: string
  start(hub: string | null): Promise<void>
  stop(): Promise<void>
}

async function openSite(folder: string): Promise<Site> {
  mkdirSync(folder, { recursive: true })
  // What is kept belongs to an origin, so a profile that is used again needs the same port.
  const known = join(folder, 'port')
  const port = existsSync(known) ? Number(readFileSync(known, 'utf8')) : await freePort()
  writeFileSync(known, String(port))
  const built = openBuiltSite(folder, port)
  if (values.build === 'asyncify') {
    const assets = join(built.folder, 'assets')
    for (const file of readdirSync(assets).filter((name) => name.startsWith('engine.worker')))
      writeFileSync(join(assets, file), WITHOUT_JSPI + readFileSync(join(assets, file), 'utf8'))
  }
  return {
    ...built,
    async start(hub) {
      writeFileSync(join(built.folder, 'models.json'), JSON.stringify({ ...(hub && { hub }), models: [] }))
      await built.start()
    },
  }
}

class Run {
  readonly page: Page
  readonly site: Site
  readonly memory: ReturnType<typeof watchMemory>
  readonly results: Record<string, unknown> = {}
  /** Counts of the engine's worker that runs now. */
  #gpu: (() => Promise<GpuCounts>) | null = null

  constructor(page: Page, site: Site, memory: ReturnType<typeof watchMemory>) {
    this.page = page
    this.site = site
    this.memory = memory
  }

  /** Where the page says what the loaded model runs on. */
  get device(): Locator {
    return this.page.getByText(/^Runs on Web/)
  }

  get model(): Locator {
    return this.page.getByRole('region', { name: 'Model' })
  }

  async countGpuBuffers(): Promise<void> {
    const file = 'src/bench/gpu-probe.ts'
    const { code } = await transformWithOxc(readFileSync(file, 'utf8'), file)
    const probe = `${code.replace(/^export \{.*\};?$/m, '').replace(/^export /gm, '')}; globalThis.gpuProbe = startGpuProbe(); null`
    this.page.on('worker', (worker) => {
      if (!worker.url().includes('engine.worker')) return
      void worker.evaluate(probe).catch(() => undefined)
      this.#gpu = () => worker.evaluate('globalThis.gpuProbe.counts')
    })
  }

  /** Opens the page and waits for its model. */
  async open(query = ''): Promise<void> {
    await this.page.goto(this.site.url + query)
    await this.openSheet()
    await this.device.waitFor()
  }

  async openModels(query = ''): Promise<void> {
    await this.open(query)
  }

  /** Where the page says everything about models and device. */
  async openSheet(): Promise<void> {
    await this.page.getByRole('button', { name: /^Model:/ }).click()
  }

  /** Runs a step and notes what it took; whatever `work` gives is noted, too. */
  async measured(name: string, work: () => Promise<object>): Promise<void> {
    const idle = this.memory.now()
    this.memory.reset()
    const started = performance.now()
    const found = await work()
    const seconds = Math.round((performance.now() - started) / 1000)
    const gpuBuffers = await this.#gpu?.().catch(() => null)
    const peak: Memory = structuredClone(this.memory.peak)
    const bytes = gpuBuffers && { gpuBytes: gpuBuffers.liveBytes, peakGpuBytes: gpuBuffers.peakBytes }
    this.results[name] = { seconds, ...found, idle, peak, ...bytes }
    say({ [name]: this.results[name] })
  }
}

/** Waits until the model is kept, or the share of it that was asked for, telling how far it is; reloads the page once where asked. */
async function follow(run: Run, sentBytes: () => number): Promise<number> {
  const reloadAt = Number(values['reload-at'] ?? Infinity)
  const started = performance.now()
  let reloaded = false
  for (let told = 0; ;) {
    const text = await run.model.innerText()
    if (text.includes('works without a connection')) return 1
    if ((await run.model.locator('.notice').count()) > 0) throw new Error(text)
    const bar = run.model.getByRole('progressbar').first()
    const [value, max] = await bar
      .evaluate((element) => [(element as HTMLProgressElement).value, (element as HTMLProgressElement).max])
      .catch(() => [0, 1])
    const done = (value ?? 0) / (max ?? 1)
    if (done >= Number(values.share)) return done
    const seconds = Math.round((performance.now() - started) / 1000)
    if (seconds >= told + 10) {
      told = seconds
      say({ seconds, done, sentBytes: sentBytes() })
    }
    if (!reloaded && done >= reloadAt) {
      reloaded = true
      say({ reloadedAfter: seconds, sentBytes: sentBytes() })
      await run.openModels('?provider=wasm')
      await run.page.getByRole('button', { name: /^Resume/ }).click()
    }
    await run.page.waitForTimeout(1000)
  }
}

/** What a source of models is asked for, and how much it has sent. */
interface Source {
  address: string
  hub: string | null
  sentBytes: () => number
  totalBytes: number | null
  close(): Promise<void>
}

async function openSource(): Promise<Source> {
  if (values.pack !== undefined) {
    const server = await servePack(values.pack, { port: 0, host: '127.0.0.1' })
    const close = (): Promise<void> => server.close()
    return { address: server.url, hub: null, sentBytes: () => 0, totalBytes: null, close }
  }
  const model = PUBLISHED.find((name) => name === values.model)
  const [vision = 39, qFormer = 12, text = 32] = values.layers?.split(',').map(Number) ?? []
  const layers = values.layers === undefined ? undefined : { vision, qFormer, text }
  const hub = await startSyntheticHub(REPOSITORY, layers, model)
  return { ...hub, address: REPOSITORY, hub: hub.url }
}

async function keep(run: Run): Promise<void> {
  const { page, site } = run
  const source = await openSource()
  try {
    await begin(run, source.hub, { prefer: 'wasm' })
    await run.measured('keep', async () => {
      if (values.pack === undefined)
        await page.getByLabel('Checkpoints are converted to').selectOption(values.precision)
      await page.getByLabel('Address of a model').fill(source.address)
      await page.locator('form').getByRole('button', { name: 'Look at it', exact: true }).click()
      await page.getByRole('checkbox').waitFor()
      say({ offer: await page.locator('.offer').innerText() })
      await page.getByRole('checkbox').check()
      await page.getByRole('button', { name: /^(Fetch and convert|Download)$/ }).click()
      const done = await follow(run, source.sentBytes)
      const { usage: keptBytes = 0, quota = 0 } = await page.evaluate(() => navigator.storage.estimate())
      return { done, checkpointBytes: source.totalBytes, sentBytes: source.sentBytes(), keptBytes, quota }
    })
  } finally {
    await source.close()
    await site.stop()
  }
}

/** Opens the page as if for the first time, but for the models that it keeps. */
async function begin(run: Run, hub: string | null, settings: object): Promise<void> {
  const { page, site } = run
  await site.start(hub)
  // Of this site, but not the page, which would begin to load the model that was used last.
  await page.goto(`${site.url}models.json`)
  await page.evaluate(async (kept) => {
    for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister()
    for (const cache of await caches.keys()) await caches.delete(cache)
    localStorage.setItem('pictalk-settings', JSON.stringify(kept))
  }, settings)
  await run.openModels()
  await run.model.getByText('This page starts without a connection').waitFor()
  // What the page's own start left behind would count as the step's.
  await page.waitForTimeout(3000)
}

function choose(run: Run): Promise<void> {
  const tokens = Number(values.tokens)
  const own = { ...GREEDY, maxNewTokens: tokens, minNewTokens: tokens }
  return begin(run, null, { prefer: 'webgpu', preset: 'own', own })
}

async function clickUse({ page }: Run): Promise<void> {
  await page
    .getByRole('button', { name: /^Use: (?!built-in)/ })
    .first()
    .click()
  await page.getByRole('progressbar').first().waitFor()
}

async function load(run: Run): Promise<void> {
  await choose(run)
  await run.measured('load', async () => {
    await clickUse(run)
    await waitUntilLoaded(run)
    return { loaded: await run.device.innerText() }
  })
  await run.site.stop()
}

/** Waits until another model than the built-in one is ready, telling each stage. Throws what the page complains of. */
async function waitUntilLoaded({ model, device, page }: Run): Promise<void> {
  for (let last = ''; ;) {
    const heading = await model.getByRole('heading', { level: 2 }).innerText()
    const bar = await model
      .getByRole('progressbar')
      .first()
      .getAttribute('aria-label', { timeout: 100 })
      .catch(() => null)
    const stage = `${heading}: ${bar?.replace(/\d.*/, '') ?? 'ready'}`
    if (stage !== last) say({ stage })
    last = stage
    if ((await model.locator('.notice').count()) > 0) throw new Error(await model.innerText())
    if (!heading.includes('Built-in') && (await device.count()) > 0) return
    await page.waitForTimeout(500)
  }
}

async function answer(run: Run): Promise<void> {
  const { page } = run
  if (run.results['load'] === undefined) {
    await choose(run)
    await clickUse(run)
    await run.site.stop()
  }
  await run.measured('reload without a network', async () => {
    await page.goto(run.site.url)
    await waitUntilLoaded(run)
    return {}
  })
  await run.measured('answer', async () => {
    await drop(page, values.image)
    const said = page.getByRole('log', { name: 'Conversation' }).getByRole('article').first()
    const stages: Record<string, number> = {}
    const started = performance.now()
    for (let last = ''; ;) {
      const stage = await said.innerText().catch(() => '')
      if (stage !== last) {
        say({ stage })
        stages[stage.split('\n').at(-1) ?? ''] = Math.round((performance.now() - started) / 1000)
      }
      last = stage
      const about = said.getByRole('button', { name: 'About this answer' })
      if (await about.isVisible()) {
        await about.click()
        return { stages, said: await said.innerText() }
      }
      if ((await said.getByRole('alert').count()) > 0) throw new Error(stage)
      await page.waitForTimeout(1000)
    }
  })
}

/** As if a person let go of a file over the page. */
async function drop(page: Page, path: string): Promise<void> {
  const data = await page.evaluateHandle(
    (bytes) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([new Uint8Array(bytes)], 'picture.png', { type: 'image/png' }))
      return transfer
    },
    [...readFileSync(path)],
  )
  for (const event of ['dragover', 'drop'])
    await page.getByRole('main').dispatchEvent(event, { dataTransfer: data })
}

async function main(): Promise<void> {
  const folder = values.profile ?? mkdtempSync(join(tmpdir(), 'pictalk-full-size-'))
  const site = await openSite(folder)
  const profile = join(folder, 'profile')
  const launch = launchOptions()
  const context = await chromium.launchPersistentContext(profile, launch)
  const memory = watchMemory(profile)
  try {
    const page = context.pages()[0] ?? (await context.newPage())
    page.setDefaultTimeout(HOURS_MS)
    page.on('console', (message) => {
      if (message.type() === 'error') say({ complaint: message.text() })
    })
    const run = new Run(page, site, memory)
    await run.countGpuBuffers()
    const steps = { keep, load, answer }
    for (const [name, step] of Object.entries(steps))
      if (values.steps.split(',').includes(name)) await step(run)
    if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(run.results, null, 2)}\n`)
  } finally {
    memory.stop()
    await context.close()
    await site.stop()
    if (values.profile === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

await main()
