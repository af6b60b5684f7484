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
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Page } from 'puppeteer-core'
import { transformWithOxc } from 'vite'
import { servePack } from '../../src/cli/serve.ts'
import type { GpuCounts } from '../../src/bench/gpu-probe.ts'
import { GREEDY } from '../../src/pack/decoding.ts'
import { PUBLISHED } from '../../src/synthetic/published.ts'
import { launchChromium } from '../../testing/browsers/chromium.ts'
import { puppeteerTab } from '../../testing/browsers/puppeteer-tab.ts'
import { button, labelled, Visitor } from '../../testing/browsers/visitor.ts'
import { freePort, openBuiltSite } from '../../testing/servers/built-site.ts'
import { startSyntheticHub } from '../../testing/servers/synthetic-hub.ts'
import { watchMemory, type Memory } from './browser-memory.ts'
import { UNWATCHED } from './measuring-page.ts'

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

const MODEL = labelled('Model')
const NOTICE = `${MODEL}//*[contains(@class, "notice")]`
const BAR = `${MODEL}//progress`
/** What is looked at again and again is looked at so often. */
const LOOK_AGAIN_MS = 500

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
  /** Waits without end: an answer of a software adapter takes as long as it takes. */
  readonly visitor: Visitor
  readonly site: Site
  readonly memory: ReturnType<typeof watchMemory>
  readonly results: Record<string, unknown> = {}
  /** Counts of the engine's worker that runs now. */
  #gpu: (() => Promise<GpuCounts>) | null = null

  constructor(page: Page, site: Site, memory: ReturnType<typeof watchMemory>) {
    this.page = page
    this.visitor = new Visitor(puppeteerTab(page), Infinity)
    this.site = site
    this.memory = memory
  }

  async countGpuBuffers(): Promise<void> {
    const file = 'src/bench/gpu-probe.ts'
    const { code } = await transformWithOxc(readFileSync(file, 'utf8'), file)
    const probe = `${code.replace(/^export \{.*\};?$/m, '').replace(/^export /gm, '')}; globalThis.gpuProbe = startGpuProbe(); null`
    this.page.on('workercreated', (worker) => {
      if (!worker.url().includes('engine.worker')) return
      void worker.evaluate(probe).catch(() => undefined)
      this.#gpu = () => worker.evaluate('globalThis.gpuProbe.counts') as Promise<GpuCounts>
    })
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

/** How far the first bar of the model's place is, of 1; null where there is none. */
async function barOf({ page }: Run): Promise<{ done: number; label: string } | null> {
  const bar = await page.$(`::-p-xpath(${BAR})`)
  if (bar === null) return null
  return bar
    .evaluate((element) => {
      const { value, max, ariaLabel } = element as HTMLProgressElement
      return { done: value / max, label: ariaLabel ?? '' }
    })
    .catch(() => null)
}

/** Throws what the page complains of, if it does. */
async function throwComplaint({ visitor }: Run): Promise<void> {
  const complaint = await visitor.textOf(NOTICE)
  if (complaint !== null) throw new Error(complaint)
}

/** Waits until the model is kept, or the share of it that was asked for, telling how far it is; reloads the page once where asked. */
async function follow(run: Run, sentBytes: () => number): Promise<number> {
  const { visitor, site } = run
  const reloadAt = Number(values['reload-at'] ?? Infinity)
  const started = performance.now()
  let reloaded = false
  for (let told = 0; ;) {
    if ((await visitor.textOf(MODEL))?.includes('works without a connection') === true) return 1
    await throwComplaint(run)
    const done = (await barOf(run))?.done ?? 0
    if (done >= Number(values.share)) return done
    const seconds = Math.round((performance.now() - started) / 1000)
    if (seconds >= told + 10) {
      told = seconds
      say({ seconds, done, sentBytes: sentBytes() })
    }
    if (!reloaded && done >= reloadAt) {
      reloaded = true
      say({ reloadedAfter: seconds, sentBytes: sentBytes() })
      await visitor.visit(`${site.url}?provider=wasm`)
      await visitor.press('Resume')
    }
    await pause(LOOK_AGAIN_MS)
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
  const { page, site, visitor } = run
  const source = await openSource()
  try {
    await begin(run, source.hub, { prefer: 'wasm' })
    await run.measured('keep', async () => {
      if (values.pack === undefined) {
        // Precisions are what few ask for, and lie folded.
        await visitor.tab.click('//details[contains(@class, "more-fields")]/summary')
        await page.select('.more-fields select', values.precision)
      }
      await visitor.lookAt(source.address)
      say({ offer: await visitor.textOf('//*[contains(@class, "offer")]') })
      await visitor.takeOffer(values.pack === undefined ? 'Fetch and convert' : 'Download')
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
  const { page, site, visitor } = run
  await site.start(hub)
  // Of this site, but not the page, which would begin to load the model that was used last.
  await page.goto(`${site.url}models.json`)
  await page.evaluate(async (kept) => {
    for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister()
    for (const cache of await caches.keys()) await caches.delete(cache)
    localStorage.setItem('pictalk-settings', JSON.stringify(kept))
  }, settings)
  await visitor.visit(site.url)
  await visitor.modelSays(/This page starts without a connection/)
  // What the page's own start left behind would count as the step's.
  await pause(SETTLING_MS)
}

const SETTLING_MS = 3000

function choose(run: Run): Promise<void> {
  const tokens = Number(values.tokens)
  const own = { ...GREEDY, maxNewTokens: tokens, minNewTokens: tokens }
  return begin(run, null, { prefer: 'webgpu', preset: 'own', own })
}

async function clickUse({ visitor }: Run): Promise<void> {
  const use = '//button[starts-with(@aria-label, "Use: ") and not(contains(@aria-label, "built-in"))]'
  await visitor.appears(use)
  await visitor.tab.click(use)
  // A small model may be ready before anybody sees its bar.
  await visitor.appears(`${BAR} | (${MODEL}//h2)[1][not(contains(., "Built-in"))]`)
}

async function load(run: Run): Promise<void> {
  await choose(run)
  await run.measured('load', async () => {
    await clickUse(run)
    return { loaded: await untilLoaded(run) }
  })
  await run.site.stop()
}

/** Waits until another model than the built-in one is ready, telling each stage. Gives what it runs on; throws what the page complains of. */
async function untilLoaded(run: Run): Promise<string> {
  const { visitor } = run
  for (let last = ''; ;) {
    const heading = (await visitor.textOf(`${MODEL}//h2`)) ?? ''
    const bar = await barOf(run)
    const stage = `${heading}: ${bar?.label.replace(/\d.*/, '') ?? 'ready'}`
    if (stage !== last) say({ stage })
    last = stage
    await throwComplaint(run)
    const runsOn = await visitor.textOf(`${MODEL}//p[starts-with(normalize-space(.), "Runs on Web")]`)
    if (heading !== '' && !heading.includes('Built-in') && runsOn !== null) return runsOn
    await pause(LOOK_AGAIN_MS)
  }
}

async function answer(run: Run): Promise<void> {
  const { page, visitor } = run
  if (run.results['load'] === undefined) {
    await choose(run)
    await clickUse(run)
    await run.site.stop()
  }
  await run.measured('reload without a network', async () => {
    await page.goto(run.site.url)
    await visitor.openSheet()
    return { loaded: await untilLoaded(run) }
  })
  await run.measured('answer', async () => {
    await visitor.drop(values.image, 'image/png')
    const said = `${labelled('Conversation')}//article`
    const stages: Record<string, number> = {}
    const started = performance.now()
    for (let last = ''; ;) {
      const stage = (await visitor.textOf(said)) ?? ''
      if (stage !== last) {
        say({ stage })
        stages[stage.split('\n').at(-1) ?? ''] = Math.round((performance.now() - started) / 1000)
      }
      last = stage
      if ((await visitor.textOf(said + button('About this answer'))) !== null)
        return { stages, said: await visitor.textOf(said) }
      if ((await visitor.textOf(said + button('Try again'))) !== null) throw new Error(stage)
      await pause(LOOK_AGAIN_MS)
    }
  })
}

async function main(): Promise<void> {
  const folder = values.profile ?? mkdtempSync(join(tmpdir(), 'pictalk-full-size-'))
  const site = await openSite(folder)
  const profile = join(folder, 'profile')
  const browser = await launchChromium(profile, UNWATCHED)
  const memory = watchMemory(profile)
  try {
    const [page = await browser.newPage()] = await browser.pages()
    page.setDefaultTimeout(0)
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
    await browser.close()
    await site.stop()
    if (values.profile === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

await main()
