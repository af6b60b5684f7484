/**
 * The page stays open while models and conversations come and go: in each cycle a conversation is opened, a model is
 * loaded in place of the other, one question is answered, and the conversation is deleted. Whatever a cycle leaves behind
 * adds up. On the processor, in Chromium, which alone tells what its heaps hold.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'puppeteer-core'
import { launchChromium } from '../browsers/chromium.ts'
import { puppeteerTab } from '../browsers/puppeteer-tab.ts'
import { Visitor } from '../browsers/visitor.ts'
import { freePort, openBuiltSite } from '../servers/built-site.ts'
import { startFaultServer } from '../servers/fault-server.ts'
import { sampleOf } from './heap.ts'
import type { Sample } from './verdict.ts'

const PACK = 'public/models/drawn-scenes'
const PICTURE = 'testing/images/good-rgb.png'
const QUESTION = 'is there a cat?'

/** Leaks to try the soak on: what each leaves behind in every cycle. */
export const LEAKS = {
  page: 'a quarter of a megabyte in the heap of the page',
  listener: 'a listener and the node that it listens at',
  engine: 'a tensor of a quarter of a megabyte in the thread of the model',
  blob: 'a Blob in the page',
  thread: 'a thread',
} as const

export type Leak = keyof typeof LEAKS

export interface SoakOptions {
  cycles: number
  /** A sample is taken behind every so many cycles. */
  every: number
  leak: Leak | null
  onSample: (cycle: number, sample: Sample) => void
}

/** The samples, first to last. `dist` has to be built. */
export async function soak({ cycles, every, leak, onSample }: SoakOptions): Promise<Sample[]> {
  const folder = mkdtempSync(join(tmpdir(), 'pictalk-soak-'))
  const site = openBuiltSite(folder, await freePort())
  const packs = await startFaultServer((path) => readFileSync(join(PACK, path)))
  await site.start()
  const browser = await launchChromium(join(folder, 'profile'))
  try {
    const page = await browser.newPage()
    const visitor = new Visitor(puppeteerTab(page))
    const models = await twoModels(visitor, site.url, packs.origin)
    const samples: Sample[] = []
    for (let cycle = 1; cycle <= cycles; cycle += 1) {
      await goThrough(visitor, models[cycle % 2] ?? '')
      if (leak !== null) await leave(page, leak)
      if (cycle % every !== 0) continue
      const sample = await sampleOf(page)
      samples.push(sample)
      onSample(cycle, sample)
    }
    return samples
  } finally {
    await browser.close()
    await packs.close()
    await site.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Opens the page with a second model beside the built-in one; the names of both, the first of which runs. */
async function twoModels(visitor: Visitor, url: string, packs: string): Promise<[string, string]> {
  await visitor.visit(`${url}?provider=wasm`)
  await visitor.addModel(packs)
  return ['built-in model', 'drawn-scenes']
}

async function goThrough(visitor: Visitor, model: string): Promise<void> {
  await visitor.drop(PICTURE, 'image/png')
  await visitor.answer('good-rgb.png')
  await visitor.useModel(model)
  await visitor.ask(QUESTION)
  await visitor.answer(`good-rgb.png: ${QUESTION}`)
  await visitor.press(`Delete conversation good-rgb.png: ${QUESTION}`)
  await visitor.answerIsGone('good-rgb.png')
}

async function leave(page: Page, leak: Leak): Promise<void> {
  if (leak === 'engine') {
    const engine = page.workers().find((worker) => worker.url().includes('engine.worker'))
    await engine?.evaluate(() => {
      const thread = globalThis as { left?: Float32Array[] }
      thread.left = [...(thread.left ?? []), new Float32Array(65_536).fill(1)]
    })
    return
  }
  await page.evaluate((kind) => {
    const tab = globalThis as { left?: unknown[] }
    tab.left ??= []
    if (kind === 'page') tab.left.push(Array.from({ length: 32_768 }, (_, i) => i + 0.5))
    if (kind === 'blob') tab.left.push(new Blob(['left']))
    if (kind === 'thread') tab.left.push(new Worker(URL.createObjectURL(new Blob([''])), { type: 'module' }))
    if (kind === 'listener') {
      const node = document.createElement('p')
      node.addEventListener('click', () => undefined)
      tab.left.push(node)
    }
  }, leak)
}
