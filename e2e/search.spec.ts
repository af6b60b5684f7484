import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { captionsOf } from '../src/scenes/language.ts'
import { drawScene } from '../src/scenes/draw.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../src/scenes/scene.ts'
import { expect, test } from './fixtures.ts'
import { expectNoOverflow, expectNoViolations } from './violations.ts'

const scenes = Array.from({ length: 6 }, (_, i) => makeScene(FIRST_HELD_OUT_SEED + 40 + i))
const caption = captionsOf(scenes[2] ?? makeScene(1), 5)[0] ?? ''
let folder: string

test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pictalk-search-'))
  for (const [i, scene] of scenes.entries())
    writeFileSync(
      join(folder, `scene ${i}.png`),
      await sharp(Buffer.from(drawScene(scene)))
        // One is upright.
        .resize({ width: 224, height: i === 0 ? 448 : 224, fit: 'fill' })
        .png()
        .toBuffer(),
    )
  writeFileSync(join(folder, 'notes.png'), 'words')
})
test.afterAll(() => rmSync(folder, { recursive: true }))

test('finds pictures of a folder by words, by another picture and without a network, and takes the one that was being chosen while pictures came from elsewhere', async ({
  app,
  context,
}) => {
  const { page } = app
  // Folders are chosen as in browsers without File System Access.
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'showDirectoryPicker'))
  await page.goto('/?provider=wasm#/search')
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Add a folder' }).click()
  await (await chooser).setFiles(folder)
  const results = page.getByRole('grid', { name: 'Pictures' })
  await expect(page.getByText('6 pictures, 1 file could not be read')).toBeVisible()
  await expect(results.getByRole('button')).toHaveCount(6)
  await expect(results.locator('img')).toHaveCount(6)
  // Whatever its shape, no picture covers the names of the row above or its own.
  const heights = await results
    .getByRole('row')
    .evaluateAll((rows) => rows.map((row) => row.scrollHeight - row.clientHeight))
  expect(heights.filter((more) => more > 0)).toEqual([])

  await context.setOffline(true)
  await page.getByRole('searchbox').fill(caption)
  await page.keyboard.press('Enter')
  const best = results.getByRole('button').first()
  await expect(best).toContainText('scene 2.png')
  await expect(best).toContainText(/fits \d\d%/)
  await expect(best.locator('img')).toBeVisible()
  await expectNoViolations(page)

  // By keyboard: the next picture, and back, and open it.
  await best.focus()
  await page.keyboard.press('ArrowRight')
  await expect(results.getByRole('button').nth(1)).toBeFocused()
  await page.keyboard.press('Home')
  await page.keyboard.press('Enter')
  const details = page.getByRole('dialog', { name: 'Picture' })
  await expect(details.getByRole('img', { name: 'scene 2.png' })).toBeVisible()
  await expectNoViolations(page)
  // The graph that is looked into is fetched when it is first wanted, or comes from the service worker.
  await context.setOffline(false)
  await details.getByText('Where the words point').click()
  await expect(details.getByLabel('Words to look for')).toHaveValue(caption)
  await details.getByRole('button', { name: 'Show' }).click()
  await expect(details.getByRole('radio').first()).toBeChecked()
  await expect(details.locator('canvas')).toHaveCount(1)
  await expectNoViolations(page)
  await details.getByRole('button', { name: 'Find pictures like this' }).click()
  await expect(page.getByText('Pictures like scene 2.png')).toBeVisible()
  await expect(results.getByRole('button').first()).toContainText('scene 2.png')

  // Long before it is scrolled: a window that is still growing narrow may be wide once more, and then nothing is scrolled.
  await page.setViewportSize({ width: 390, height: 500 })
  await expect(results).toHaveAttribute('aria-colcount', '2')
  await page.getByText('Filters').click()
  await page.getByLabel('Name contains').fill('SCENE 4')
  await expect(results.getByRole('button')).toHaveCount(1)
  await page.getByLabel('Name contains').fill('')
  await expect(results.getByRole('button')).toHaveCount(6)

  // A question begins at its best, wherever people had scrolled to.
  await results.getByRole('button').first().focus()
  await page.keyboard.press('End')
  const scrolled = (): Promise<number> => results.evaluate(({ scrollTop }) => scrollTop)
  await expect.poll(scrolled).toBeGreaterThan(0)
  await page.getByRole('searchbox').fill('a cat')
  await page.keyboard.press('Enter')
  await expect.poll(scrolled).toBe(0)

  // It is there after a reload, and goes when it is told to.
  await page.reload()
  await expect(results.getByRole('button')).toHaveCount(6)
  await page.getByRole('button', { name: /^Take out/ }).click()
  await expect(page.getByText('No picture is indexed yet', { exact: false })).toBeVisible()

  // Again from nothing, while a picture comes from elsewhere.
  await page.setViewportSize({ width: 1280, height: 800 })
  const again = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Add a folder' }).click()
  const choosing = await again
  await app.drop(join(folder, 'scene 1.png'), 'image/png')
  await expect(page.getByText('No picture is indexed yet')).toHaveCount(0)
  await expect(page.getByText('6 pictures, 1 file could not be read')).toHaveCount(0)
  await choosing.setFiles(folder)
  await expect(page.getByText('6 pictures, 1 file could not be read')).toBeVisible()
})

test('says how well a caption fits its picture, when asked once, and shows those who teach what the Q-Former does', async ({
  app,
  page,
}) => {
  const caption = await app.openWith(join(folder, 'scene 1.png'))
  expect(caption).not.toBe('')
  await app.conversation.getByRole('button', { name: 'How well does it fit?' }).click()
  await expect(app.conversation.getByText(/fits the picture: \d\d%/)).toBeVisible()
  await app.conversation.getByRole('button', { name: 'Where the words point' }).click()
  const pointing = app.page.getByRole('dialog', { name: 'Where the words point' })
  await expect(pointing.locator('canvas')).toHaveCount(1)
  await expect(pointing.getByRole('radio').first()).toBeChecked()
  await expect(pointing.getByText('It is a hint and no proof', { exact: false })).toBeVisible()
  await expectNoViolations(app.page)
  await app.page.keyboard.press('Escape')
  await expect(pointing).toHaveCount(0)
  await app.choose(join(folder, 'scene 4.png'))
  await app.finished('scene 4.png')
  await expect(app.conversation.getByText(/fits the picture: \d\d%/)).toBeVisible()

  // Found from the models.
  await app.openSettings()
  await page.getByRole('link', { name: /^Look inside/ }).click()
  await expect(page.getByRole('heading', { name: 'Inside the Q-Former' })).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Where each query looks' })).toBeVisible()
  const queries = page.getByRole('button', { name: /^Query \d+: likeness/ })
  await expect(queries).toHaveCount(32)
  await expect(page.locator('.queries [aria-pressed=true]')).toHaveCount(1)
  await queries.nth(2).focus()
  await page.keyboard.press('Enter')
  await expect(queries.nth(2)).toHaveAttribute('aria-pressed', 'true')
  await page.getByLabel('while the queries see the words').check()
  await page.getByLabel('Words about the picture').fill('a blue car')
  await page.keyboard.press('Enter')
  // The first look, which had other words, said as much.
  await expect(page.getByRole('img', { name: 'a blue car', exact: true })).toBeVisible()
  await expect(page.getByText(/the model gives \d+% for belonging together/)).toBeVisible()
  await expect(page.getByRole('img', { name: /^Matching/ })).toBeVisible()
  await expectNoViolations(page)
  await page.setViewportSize({ width: 390, height: 844 })
  await expectNoOverflow(page)
})
