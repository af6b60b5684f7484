/** Every file of the table is read in every browser as on the command line and by Pillow. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, openBuiltSite, type BuiltSite } from '../servers/built-site.ts'
import { chromium } from './chromium.ts'
import { firefox } from './firefox.ts'
import { writePicturesPage } from './pictures-page.ts'
import { webkit } from './webkit.ts'

type Slack = [pattern: string, levels: number]

/** By how many levels a browser's own JPEG decoder may differ from Pillow's (docs/decisions/023). */
const CMYK: Slack = ['cmyk|ycck', 1]
const ONE_SCAN: Slack = ['progressive-first-scan', 24]
const SLACK: Record<string, Slack[]> = {
  Chromium: [CMYK, ONE_SCAN],
  Firefox: [CMYK],
  WebKit: [CMYK, ONE_SCAN],
}

/** What the page puts in the open. */
interface PicturesPage {
  pictureCount: number
  pictureFaults: (slack: Slack[]) => Promise<Record<string, string>>
}

describe.each([chromium, firefox, webkit])('In $name', (kind) => {
  const missing = kind.missing()
  if (missing !== null) {
    it.skip(`nothing is checked, since this machine lacks ${missing}`)
    return
  }

  let folder: string
  let site: BuiltSite

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pictalk-pictures-'))
    site = openBuiltSite(folder, await freePort())
    await writePicturesPage(site.folder)
    await site.start()
  })

  afterAll(async () => {
    await site.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('pictures are read as Pillow reads them', async () => {
    const browser = await kind.launch(join(folder, 'profile'))
    try {
      const tab = await browser.open()
      await tab.goto(`${site.url}pictures.html`)
      const slack = SLACK[kind.name] ?? []
      const { count, faults } = await tab.run(async (allowed) => {
        const page = globalThis as unknown as PicturesPage
        return { count: page.pictureCount, faults: await page.pictureFaults(allowed) }
      }, slack)
      expect(count).toBeGreaterThan(700)
      expect(faults).toEqual({})
    } finally {
      await browser.close()
    }
  })
})
