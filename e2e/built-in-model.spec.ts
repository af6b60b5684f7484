import { writeFileSync } from 'node:fs'
import type { TestInfo } from '@playwright/test'
import sharp from 'sharp'
import { photoLike } from '../testing/photo-like.ts'
import { drawScene } from '../src/scenes/draw.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../src/scenes/scene.ts'
import { expect, test } from './fixtures.ts'
import { expectNoOverflow, expectNoViolations } from './violations.ts'

/** A file with the look of a photograph. */
async function photograph(info: TestInfo, seed: number): Promise<string> {
  const path = info.outputPath(`photograph-${seed}.jpg`)
  writeFileSync(path, await photoLike({ seed, width: 640, height: 480 }))
  return path
}

/** A file with a scene that the built-in model was never trained on. */
async function drawnScene(info: TestInfo): Promise<string> {
  const path = info.outputPath('scene.png')
  await sharp(Buffer.from(drawScene(makeScene(FIRST_HELD_OUT_SEED)))).toFile(path)
  return path
}

test('Users with photographs are told once that the built-in model knows drawn scenes only, how many look so, and shown to another', async ({
  app,
  page,
}, info) => {
  await app.open()
  const hint = page.getByRole('complementary', { name: 'About photographs' })
  await test.step('among several pictures', async () => {
    await app.choose(await photograph(info, 2), await drawnScene(info), await photograph(info, 3))
    await app.finished(2)
    await expect(hint).toContainText('2 of these look like photographs.')
  })
  await test.step('a photograph alone', async () => {
    await app.startAnew()
    await app.choose(await photograph(info, 1))
    await app.finished(0)
    await expect(hint).toContainText('This looks like a photograph.')
    await expectNoViolations(page)
    await app.ask('what is in the picture?')
    await app.finished(1)
  })
  await page.reload()
  await app.ready()
  await expect(hint).toHaveCount(1)
  await expect(page.getByLabel('Address of a model')).toBeHidden()
  await hint.getByRole('button', { name: 'Go to other models' }).click()
  await expect(page.getByLabel('Address of a model')).toBeVisible()
  await expect(app.sheet.getByRole('heading', { name: 'Model, device and settings' })).toBeFocused()
})

test('Users can have a scene drawn, read its caption and click a question about it, and look through other examples', async ({
  app,
  page,
}) => {
  await app.open()
  await test.step('a scene of its own', async () => {
    await expect(page.getByRole('button', { name: 'How many things are there?' })).toHaveCount(0)
    await page.getByRole('button', { name: 'Draw me another scene' }).click()
    expect(await app.finished(0)).toMatch(/[a-z]{3,}/)
    await page.getByRole('button', { name: 'How many things are there?' }).click()
    const words = await app.finished(1)
    expect(words).toMatch(/one|two|three|four|five/)
    await expect(page.getByText(/looks? like a photograph/)).toHaveCount(0)
    await expectNoViolations(page)
    await expectNoOverflow(page)
  })
  await test.step('other examples, none of which passes for a photograph', async () => {
    await app.startAnew()
    const examples = page.getByRole('button', { name: /^Example scene/ })
    const before = await examples.first().getByRole('img').getAttribute('src')
    await page.getByRole('button', { name: 'Show other examples' }).click()
    await expect(examples.first().getByRole('img')).not.toHaveAttribute('src', before ?? '')
    await examples.first().click()
    await app.finished(0)
    await expect(page.getByText(/looks? like a photograph/)).toHaveCount(0)
  })
})

test.describe('In German, whose words are long', () => {
  test.use({ locale: 'de-DE' })

  test('Users find the ways to a picture side by side, and the ways to other drawings, too', async ({
    page,
  }) => {
    await page.goto('/?provider=wasm')
    const topOf = async (name: string): Promise<number | undefined> =>
      (await page.getByRole('button', { name, exact: true }).boundingBox())?.y
    await expect(page.getByRole('button', { name: 'Andere Beispiele', exact: true })).toBeVisible()
    const ways = await Promise.all(['Kamera', 'Per Adresse', 'Einfügen'].map(topOf))
    expect(ways).toEqual(Array(3).fill(ways[0]))
    expect(await topOf('Andere Beispiele')).toBe(await topOf('Noch eine Szene'))
  })
})
