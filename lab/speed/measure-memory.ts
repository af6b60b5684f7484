/**
 * Does a long visit grow without bound? Drops pictures and asks questions, one after the other, and samples what the
 * page holds:
 *   npm run build && npx tsx lab/speed/measure-memory.ts [--pictures 50] [--turns 200] [--provider wasm]
 * Prints JSON lines: step, JavaScript heap of the page in MB after a collection, DOM nodes.
 */
import { parseArgs } from 'node:util'
import { chromium, type CDPSession } from '@playwright/test'
import { preview } from 'vite'
import { launchOptions } from '../../testing/browser.ts'

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: '50' },
    turns: { type: 'string', default: '200' },
    provider: { type: 'string', default: 'wasm' },
  },
})
const PORT = 4339
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
  const server = await preview({ preview: { port: PORT, strictPort: true } })
  const browser = await chromium.launch(launchOptions())
  const page = await browser.newPage({ serviceWorkers: 'block' })
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  await page.goto(`http://localhost:${PORT}/?provider=${values.provider}`)
  await page.getByRole('button', { name: /^Model:.*ready$/ }).waitFor()
  const log = page.getByRole('log', { name: 'Conversation' })
  const finished = (count: number): Promise<void> =>
    log
      .getByRole('article')
      .nth(count - 1)
      .getByRole('button', { name: 'About this answer' })
      .waitFor()
  await sample('ready', session)
  for (let picture = 1; picture <= Number(values.pictures); picture += 1) {
    await page.locator('input[accept="image/*"]').first().setInputFiles(PICTURE)
    await page
      .getByRole('navigation')
      .getByRole('listitem')
      .nth(picture - 1)
      .waitFor()
    await finished(1)
    if (picture % 10 === 0) await sample(`${picture} pictures`, session)
  }
  const box = page.getByRole('textbox', { name: 'Ask about the image' })
  for (let turn = 1; turn <= Number(values.turns); turn += 1) {
    await box.fill('is there a cat?')
    await box.press('Enter')
    await finished(turn + 1)
    if (turn % 40 === 0) await sample(`${turn} turns`, session)
  }
  await browser.close()
  await server.close()
}

await main()
