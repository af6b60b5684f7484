/**
 * Somebody opens a model, drops a picture, asks, reads, removes, brings back and deletes, again and again, in one page of
 * a real Chromium and its threads. Meanwhile nothing may grow.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'puppeteer-core'
import { launchChromium } from '../browsers/chromium.ts'
import { puppeteerTab } from '../browsers/puppeteer-tab.ts'
import { Visitor } from '../browsers/visitor.ts'
import { serveFiles } from '../keeper/tabs.ts'
import { freePort, openBuiltSite } from '../servers/built-site.ts'
import { smallModel } from '../small-model.ts'
import { grownClasses, growthOf, type Census, type Growth } from './growth.ts'
import { isPageLeak, type Inside, type InsideEngine, type InsidePage, type Leak } from './inside.ts'
import { buildSoakSite } from './soak-site.ts'
import { Threads, type Measured } from './threads.ts'

export interface PageSoak {
  /** A folder for everything that lies on a disk meanwhile. */
  root: string
  cycles: number
  provider: 'wasm' | 'webgpu'
  /** What is kept in each cycle, to see that it is noticed; null for nothing. */
  leak: Leak | null
  onCycle?: (done: number) => void
}

/** Functions that are called often are compiled, one after the other for a long while; their code lies in the heap. */
const NO_COMPILED_CODE = '--js-flags=--no-turbofan,--no-maglev,--no-sparkplug'
const MEASUREMENTS = 50
/** Objects are counted at these shares of all cycles: three times early, three times late. */
const EARLY = [0.2, 0.3, 0.4]
const LATE = [0.9, 0.95, 1]

/** Everything that was measured, and classes of objects of which there were more and more. */
export async function soakPage({
  root,
  cycles,
  provider,
  leak,
  onCycle = () => undefined,
}: PageSoak): Promise<Growth[]> {
  const built = join(root, 'built')
  await buildSoakSite(built)
  const site = openBuiltSite(root, await freePort(), built)
  const model = await serveFiles(await smallModel(readProjectFile, { name: 'soaked' }))
  await site.start()
  // What the protocol remembers of requests would grow with them.
  const browser = await launchChromium(join(root, 'profile'), { networkEnabled: false }, [NO_COMPILED_CODE])
  try {
    const page = await browser.newPage()
    const visitor = new Visitor(puppeteerTab(page))
    await visitor.visit(`${site.url}?provider=${provider}`)
    await visitor.addModel(model.origin)
    const threads = await Threads.of(page)
    const measured: Measured[] = []
    const censuses = new Map<number, Census>()
    const every = Math.max(1, Math.floor(cycles / MEASUREMENTS))
    const counted = (shares: readonly number[]): number[] => shares.map((share) => Math.round(share * cycles))
    for (let done = 1; done <= cycles; done += 1) {
      await cycle(page, done)
      if (leak !== null) await keep(page, threads, leak)
      if (done % every === 0) measured.push(await threads.measure())
      if ([...counted(EARLY), ...counted(LATE)].includes(done)) censuses.set(done, await threads.census())
      onCycle(done)
    }
    const of = (shares: readonly number[]): Census[] =>
      counted(shares).flatMap((done) => censuses.get(done) ?? [])
    const between = cycles * ((LATE[1] ?? 1) - (EARLY[1] ?? 0))
    return [...compare(measured, cycles), ...grownClasses(of(EARLY), of(LATE), between)]
  } finally {
    await browser.close()
    await Promise.all([site.stop(), model.close()])
  }
}

function cycle(page: Page, number: number): Promise<void> {
  return page.evaluate((done) => (globalThis as unknown as Inside<InsidePage>).soakInside.cycle(done), number)
}

function keep(page: Page, threads: Threads, leak: Leak): Promise<void> {
  return isPageLeak(leak)
    ? page.evaluate((kind) => (globalThis as unknown as Inside<InsidePage>).soakInside.leak(kind), leak)
    : threads.engine.evaluate(
        (kind) => (globalThis as unknown as Inside<InsideEngine>).soakInside.leak(kind),
        leak,
      )
}

/** What is counted may differ by what is under way just then; a leak in each cycle is far more. */
const MOST_OF_ALL_CYCLES = 1 / 20
const UNDER_WAY = ['DOM nodes', 'event listeners']
const NEVER_MORE = ['tensors', 'buffers on the graphics device', 'object URLs', 'threads']
/** Heaps breathe by their pages. */
const RATIO = 1.02

function compare(measured: readonly Measured[], cycles: number): Growth[] {
  const [first = {}] = measured
  return Object.keys(first).map((name) => {
    const values = measured.map((one) => one[name] ?? 0)
    const slack = UNDER_WAY.includes(name) ? cycles * MOST_OF_ALL_CYCLES : 0
    const ratio = NEVER_MORE.includes(name) || slack > 0 ? 1 : RATIO
    return growthOf({ name, values, ratio, slack })
  })
}

async function readProjectFile(path: string): Promise<ArrayBuffer> {
  return new Uint8Array(await readFile(path)).buffer
}
