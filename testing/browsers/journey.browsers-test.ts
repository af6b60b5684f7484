/** One short visit, the same in every browser: what people do most, on the processor. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, openBuiltSite, type BuiltSite } from '../servers/built-site.ts'
import { startFaultServer, type FaultServer } from '../servers/fault-server.ts'
import { contract, type Outcome } from '../store/contract.ts'
import type { Browser } from './browser.ts'
import { chromium } from './chromium.ts'
import { writeContractPage } from './contract-page.ts'
import { firefox } from './firefox.ts'
import { Visitor } from './visitor.ts'
import { webkit } from './webkit.ts'

const PACK = 'public/models/drawn-scenes'
const PICTURE = 'good-rgb.png'
const CAT = `${PICTURE}: is there a cat?`
const DOG = `${PICTURE}: is there a dog?`
const BALL = `${PICTURE}: is there a ball?`

describe.each([chromium, firefox, webkit])('In $name', (kind) => {
  const missing = kind.missing()
  if (missing !== null) {
    it.skip(`nothing is checked, since this machine lacks ${missing}`)
    return
  }

  let folder: string
  let site: BuiltSite
  let packs: FaultServer
  let browser: Browser
  let page: Visitor

  const launch = async (): Promise<void> => {
    browser = await kind.launch(join(folder, 'profile'))
    page = new Visitor(await browser.open())
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pictalk-browsers-'))
    site = openBuiltSite(folder, await freePort())
    packs = await startFaultServer((path) => readFileSync(join(PACK, path)))
    await writeContractPage(site.folder)
    await site.start()
    await launch()
    console.warn(`${kind.name}: ${browser.version}`)
  })

  afterAll(async () => {
    await browser.close()
    await packs.close()
    await site.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('the store keeps its contract, in the page, in a thread and between both', async () => {
    await page.tab.goto(`${site.url}contract.html`)
    const outcomes = await page.tab.run(
      () => (globalThis as { outcomes?: Promise<Outcome[]> }).outcomes ?? [],
      null,
    )
    expect(outcomes.filter(({ failure }) => failure !== null)).toEqual([])
    expect(outcomes.length).toBeGreaterThan(2 * contract.length)
  })

  it('a picture that is dropped gets a caption, and a question about it an answer', async () => {
    await page.visit(`${site.url}?provider=wasm`)
    await page.drop(`testing/images/${PICTURE}`, 'image/png')
    expect(await page.answer(PICTURE)).toMatch(/[a-z]{2,}/)
    await page.ask('is there a cat?')
    expect(await page.answer(CAT)).toMatch(/[a-z]{2,}/)
  })

  it('an answer that was removed comes back with Undo', async () => {
    await page.press('Remove is there a cat?')
    await page.answerIsGone(CAT)
    await page.press('Undo')
    await page.answer(CAT)
  })

  it('a reload loses nothing', async () => {
    const before = [await page.answer(PICTURE), await page.answer(CAT)]
    await page.reload()
    expect([await page.answer(PICTURE), await page.answer(CAT)]).toEqual(before)
  })

  it('two tabs show what is said in the other', async () => {
    const other = new Visitor(await browser.open())
    await other.visit(`${site.url}?provider=wasm`)
    await other.answer(CAT)
    await other.ask('is there a dog?')
    expect(await page.answer(DOG)).toBe(await other.answer(DOG))
    await page.ask('is there a ball?')
    expect(await other.answer(BALL)).toBe(await page.answer(BALL))
    await other.tab.close()
  })

  it('a pack is downloaded, used and kept', async () => {
    await page.addModel(packs.origin)
    await page.press('Use it: drawn-scenes')
    await page.modelSays(/Runs on/)
  })

  it('without any server the page starts again with all of it', async () => {
    await page.modelSays(/This page starts without a connection/)
    const before = [await page.answer(PICTURE), await page.answer(DOG)]
    await packs.close()
    await site.stop()
    if (kind.keepsProfile) {
      await browser.close()
      await launch()
      await page.visit(`${site.url}?provider=wasm`)
    } else await page.reload()
    expect([await page.answer(PICTURE), await page.answer(DOG)]).toEqual(before)
    await page.ask('what is in the picture?')
    expect(await page.answer(`${PICTURE}: what is in the picture?`)).toMatch(/[a-z]{2,}/)
  })
})
