/**
 * Kills a real Chromium, all of its processes at once, while the caption studio works through a folder, and looks whether
 * captions are lost or written twice: in the end every version of every caption must be what a run makes that was left
 * alone. Wants a built page (`npm run build`).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/scenes/random.ts'
import { inChromium, type KillableBrowser } from '../testing/kills/chromium.ts'
import {
  beginRun,
  drawPictures,
  faultsOf,
  keptCaptions,
  openStudio,
  settledSoFar,
  takenUp,
  type KeptCaption,
} from '../testing/kills/studio.ts'
import { freePort, openBuiltSite } from '../testing/servers/built-site.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '30' },
    pictures: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    /** Kills come within so many milliseconds of the first picture that the page has settled. */
    within: { type: 'string', default: '1500' },
  },
})

const PICTURES = Number(values.pictures)
const root = await mkdtemp(join(process.env['PICTALK_TMP'] ?? tmpdir(), 'pictalk-studio-kills-'))
const random = seededRandom(Number(values.seed))
const site = openBuiltSite(root, await freePort())
await site.start()

/** In a browser on a profile of that name that has the page open. */
function inBrowser<T>(profile: string, work: (browser: KillableBrowser) => Promise<T>): Promise<T> {
  return inChromium(join(root, profile), async (browser) => {
    await openStudio(browser.page, site.url)
    return work(browser)
  })
}

async function finished({ page }: KillableBrowser): Promise<KeptCaption[]> {
  await takenUp(page)
  while ((await settledSoFar(page)) !== null) await page.waitForTimeout(200)
  return keptCaptions(page)
}

try {
  const alone = await inBrowser('alone', async (browser) => {
    await drawPictures(browser.page, PICTURES)
    await beginRun(browser.page)
    return finished(browser)
  })
  await inBrowser('killed', async ({ page }) => {
    await drawPictures(page, PICTURES)
    await beginRun(page)
    await page.waitForTimeout(500)
  })
  let [kills, late] = [0, 0]
  while (kills < Number(values.kills)) {
    const settled = await inBrowser('killed', async ({ page }) => {
      await takenUp(page)
      const before = await settledSoFar(page)
      if (before === null) return null
      const isMoving = async (): Promise<boolean> => (await settledSoFar(page)) !== before
      while (!(await isMoving())) await page.waitForTimeout(50)
      await page.waitForTimeout(random.next() * Number(values.within))
      return settledSoFar(page)
    })
    if (settled === null) {
      late += 1
      break
    }
    kills += 1
    console.log(`${kills}: killed with ${settled} of ${PICTURES} pictures settled`)
  }
  const kept = await inBrowser('killed', finished)
  const faults = faultsOf(kept, alone)
  for (const fault of faults) console.error(fault)
  console.log(
    `${kills} kills, ${late} too late, ${kept.length} pictures, ${faults.length} differ; seed ${values.seed}.`,
  )
  if (faults.length > 0 || alone.length !== PICTURES) process.exitCode = 1
} finally {
  await site.stop()
  await rm(root, { recursive: true, force: true })
}
process.exit()
