/**
 * Kills a real Chromium, all of its processes at once, while it indexes a folder for search, and looks whether the index
 * takes harm: after each start the page must hold at least what it had shown as done but for the last few pictures, what
 * lies there must fit together, and in the end the index must be what one is that was made undisturbed. Wants a built page
 * (`npm run build`).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/scenes/random.ts'
import { inChromium, type KillableBrowser } from '../testing/kills/chromium.ts'
import {
  beginIndexing,
  doneSoFar,
  faultsOfIndex,
  heldPictures,
  keptIndex,
  openSearch,
  type KeptIndex,
} from '../testing/kills/search.ts'
import { drawPictures } from '../testing/kills/studio.ts'
import { freePort, openBuiltSite } from '../testing/servers/built-site.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '25' },
    pictures: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    /** Kills come within so many milliseconds of the first picture that the page has shown as done. */
    within: { type: 'string', default: '1500' },
  },
})

/** Pictures that wait to be written together (`search/indexing`), and one batch more whose write may be under way. */
const UNWRITTEN = 16

const PICTURES = Number(values.pictures)
const root = await mkdtemp(join(process.env['PICTALK_TMP'] ?? tmpdir(), 'pictalk-search-kills-'))
const random = seededRandom(Number(values.seed))
const site = openBuiltSite(root, await freePort())
await site.start()

/** In a browser on a profile of that name that has the page open. */
function inBrowser<T>(profile: string, work: (browser: KillableBrowser) => Promise<T>): Promise<T> {
  return inChromium(join(root, profile), async (browser) => {
    await openSearch(browser.page, site.url)
    return work(browser)
  })
}

async function finished({ page }: KillableBrowser): Promise<KeptIndex> {
  await beginIndexing(page)
  while ((await heldPictures(page)) !== PICTURES || (await doneSoFar(page)) !== null)
    await page.waitForTimeout(200)
  return keptIndex(page)
}

interface Killed {
  /** What the page held when it was opened. */
  held: number
  /** How many pictures it had shown as done since, when it was killed. */
  done: number
}

/** Null where nothing was left to be done. */
async function killOnce(isFirst: boolean): Promise<Killed | null> {
  return inBrowser('killed', async ({ page }) => {
    if (isFirst) await drawPictures(page, PICTURES)
    const held = isFirst ? 0 : await heldPictures(page)
    if (held === PICTURES) return null
    const lying = await keptIndex(page)
    if (!isFirst && lying.loose.length > 0) throw new Error(lying.loose.join('; '))
    await beginIndexing(page)
    const begun = async (): Promise<boolean> => ((await doneSoFar(page))?.done ?? 0) > 0
    while (!(await begun())) {
      if (!isFirst && (await heldPictures(page)) === PICTURES) return null
      await page.waitForTimeout(20)
    }
    await page.waitForTimeout(random.next() * Number(values.within))
    return { held, done: (await doneSoFar(page))?.done ?? 0 }
  })
}

const faults: string[] = []
try {
  const alone = await inBrowser('alone', async (browser) => {
    await drawPictures(browser.page, PICTURES)
    return finished(browser)
  })
  let kills = 0
  let before: Killed | null = null
  while (kills < Number(values.kills)) {
    const killed: Killed | null = await killOnce(kills === 0)
    if (killed === null) break
    if (before !== null && killed.held < before.held + before.done - UNWRITTEN)
      faults.push(`kill ${kills}: ${killed.held} held, where ${before.held} and ${before.done} were done`)
    before = killed
    kills += 1
    console.log(`${kills}: killed with ${killed.held} + ${killed.done} of ${PICTURES} pictures indexed`)
  }
  const kept = await inBrowser('killed', finished)
  faults.push(...faultsOfIndex(kept, alone))
  for (const fault of faults) console.error(fault)
  console.log(`${kills} kills, ${kept.files.length} pictures, ${faults.length} faults; seed ${values.seed}.`)
  if (faults.length > 0 || kills < Number(values.kills) || alone.files.length !== PICTURES)
    process.exitCode = 1
} finally {
  await site.stop()
  await rm(root, { recursive: true, force: true })
}
process.exit()
