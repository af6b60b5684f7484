/**
 * Does a long visit grow without bound? Drops pictures and asks questions, one after the other, and samples what the
 * page holds:
 *   npm run build && npx tsx lab/speed/measure-memory.ts [--pictures 50] [--turns 200] [--provider wasm]
 * Prints JSON lines: step, JavaScript heap of the page in MB after a collection, DOM nodes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { CDPSession } from 'puppeteer-core'
import { launchChromium } from '../../testing/browsers/chromium.ts'
import { puppeteerTab } from '../../testing/browsers/puppeteer-tab.ts'
import { button, labelled, Visitor } from '../../testing/browsers/visitor.ts'
import { freePort, openBuiltSite } from '../../testing/servers/built-site.ts'
import { UNWATCHED } from './measuring-page.ts'

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: '50' },
    turns: { type: 'string', default: '200' },
    provider: { type: 'string', default: 'wasm' },
  },
})
const PICTURE = 'testing/images/good-rgb.png'

async function sample(step: string, session: CDPSession): Promise<void> {
  await session.send('HeapProfiler.collectGarbage')
  const { metrics } = await session.send('Performance.getMetrics')
  const metric = (name: string): number => metrics.find((one) => one.name === name)?.value ?? NaN
  const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10
  console.log(
    JSON.stringify({
      step,
      pageHeap: megabytes(metric('JSHeapUsedSize')),
      nodes: metric('Nodes'),
    }),
  )
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pictalk-memory-'))
  const site = openBuiltSite(folder, await freePort())
  await site.start()
  const browser = await launchChromium(join(folder, 'profile'), UNWATCHED)
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(0)
    const session = await page.createCDPSession()
    await session.send('Performance.enable')
    const visitor = new Visitor(puppeteerTab(page), Infinity)
    await visitor.tab.goto(`${site.url}?provider=${values.provider}`)
    await visitor.appears('//button[starts-with(normalize-space(.), "Model:") and contains(., "ready")]')
    await sample('ready', session)
    for (let picture = 1; picture <= Number(values.pictures); picture += 1) {
      await visitor.drop(PICTURE, 'image/png')
      await visitor.appears(`(//nav//li)[${picture}]`)
      await visitor.appears(answered(1))
      if (picture % 10 === 0) await sample(`${picture} pictures`, session)
    }
    for (let turn = 1; turn <= Number(values.turns); turn += 1) {
      await visitor.ask('is there a cat?')
      await visitor.appears(answered(turn + 1))
      if (turn % 40 === 0) await sample(`${turn} turns`, session)
    }
  } finally {
    await browser.close()
    await site.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The answer of so many that it is there whole. */
function answered(count: number): string {
  return `(${labelled('Conversation')}//article)[${count}]${button('About this answer')}`
}

await main()
