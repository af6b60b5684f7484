import { judgeCaption } from '../src/scenes/judge.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../src/scenes/scene.ts'
import { expect, test } from './fixtures.ts'
import { beginThreadWith, hold, HOLDABLE } from './threads.ts'

const PICTURE = 'testing/images/good-rgb.png'

test('Users can drop an image anywhere, read its caption and remove it, click an example, choose and paste', async ({
  app,
  page,
}) => {
  await app.open()
  await test.step('dropped', async () => {
    await app.drop(PICTURE, 'image/png')
    const words = await app.finished(0)
    expect(words).toMatch(/[a-z]{2,}/)
    expect(await app.factsOf(0)).toContain('tokens per second')
  })

  await test.step('removed', async () => {
    await page.getByRole('button', { name: 'Remove good-rgb.png' }).click()
    await expect(app.conversation.getByRole('article')).toHaveCount(0)
  })

  await test.step('an example, of which is said what is drawn in it', async () => {
    await page
      .getByRole('button', { name: /^Example scene/ })
      .first()
      .click()
    await app.finished(0)
    // The built-in model was trained on such scenes, never on this one.
    const [caption = ''] = (await app.answer(0).innerText()).split('\n')
    expect(judgeCaption(caption, makeScene(FIRST_HELD_OUT_SEED)), caption).toMatchObject({ right: true })
  })

  await test.step('chosen, then pasted: a conversation for each picture', async () => {
    await app.startAnew()
    await app.choose(PICTURE)
    await app.finished('good-rgb.png')
    await app.paste('testing/images/good-rgb.jpg', 'image/jpeg')
    await app.finished('good-rgb.jpg')
    await expect(app.conversation.getByRole('article')).toHaveCount(1)
    await app.reopen('good-rgb.png')
    await app.finished('good-rgb.png')
  })
})

test('Users can stop while the answer is written, go on with the next picture, and have their settings remembered', async ({
  app,
  page,
}) => {
  await beginThreadWith(page, 'engine.worker', () => HOLDABLE)
  await app.open()
  await test.step('stopped', async () => {
    await app.answerAtLength()
    await hold(page, 'writing')
    await app.choose(PICTURE)
    const stop = app.page.getByRole('main').getByRole('button', { name: 'Stop' })
    await stop.click()
    await hold(page, null)
    await expect(app.answer('good-rgb.png')).toContainText('topped')
    await expect(page.getByRole('button', { name: 'Send' })).toBeFocused()
    await app.choose('testing/images/good-rgb.webp')
    await app.finished('good-rgb.webp')
  })

  await test.step('remembered', async () => {
    await app.openSettings()
    await page.getByLabel('Caption begins with').fill('a photo of')
    const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const light = await ground()
    await page.getByLabel('Appearance').selectOption('Dark')
    await expect.poll(ground).not.toBe(light)
    const dark = await ground()
    await page.reload()
    await expect.poll(ground).toBe(dark)
    await app.openSettings()
    await expect(page.getByLabel('Caption begins with')).toHaveValue('a photo of')
  })
})
