/**
 * Many made-up pictures in the caption studio of a real Chromium, on the built-in model: how long the folder takes to
 * open, pictures a minute, and the page's heap as the run goes on. Wants a built page (`npm run build`).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { expect } from '@playwright/test'
import { startChromium } from '../testing/kills/chromium.ts'
import { beginRun, drawPictures, openStudio, settledSoFar } from '../testing/kills/studio.ts'
import { freePort, openBuiltSite } from '../testing/servers/built-site.ts'

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: '10000' },
    /** The run is left after so many seconds; what is reported is how far it came. */
    seconds: { type: 'string', default: 'Infinity' },
  },
})
const EVERY_MS = 10_000

const root = await mkdtemp(join(process.env['PICTALK_TMP'] ?? tmpdir(), 'pictalk-studio-many-'))
const site = openBuiltSite(root, await freePort())
await site.start()
const { page, kill } = await startChromium(join(root, 'profile'))
try {
  await openStudio(page, site.url)
  await drawPictures(page, Number(values.pictures))
  const session = await page.context().newCDPSession(page)
  const heap = async (): Promise<number> => {
    await session.send('HeapProfiler.collectGarbage')
    return (await session.send('Runtime.getHeapUsage')).usedSize / 2 ** 20
  }
  const opening = performance.now()
  await beginRun(page)
  console.log(
    `${values.pictures} pictures open and listed after ${((performance.now() - opening) / 1000).toFixed(1)} s`,
  )
  await expect.poll(() => settledSoFar(page), { timeout: 120_000 }).toBeGreaterThan(0)
  const began = performance.now()
  const first = (await settledSoFar(page)) ?? 0
  for (;;) {
    await page.waitForTimeout(EVERY_MS)
    const settled = await settledSoFar(page)
    const seconds = (performance.now() - began) / 1000
    // How long the page takes to answer while it works.
    const asked = performance.now()
    await page.evaluate(() => new Promise(requestAnimationFrame))
    const frame = performance.now() - asked
    const done = settled ?? Number(values.pictures)
    const pace = (60 * (done - first)) / seconds
    console.log(
      `${seconds.toFixed(0)} s: ${done} settled, ${pace.toFixed(0)} a minute, heap ${(await heap()).toFixed(1)} MB, a frame after ${frame.toFixed(0)} ms`,
    )
    if (settled === null || seconds > Number(values.seconds)) break
  }
} finally {
  await kill()
  await site.stop()
  await rm(root, { recursive: true, force: true })
}
process.exit()
