import { expect, test } from './fixtures.ts'
import { beginThreadWith, hold, HOLDABLE } from './threads.ts'

const NAME = 'good-rgb.png'
const PICTURE = `testing/images/${NAME}`
const CAT = `${NAME}: is there a cat?`
const BIRD = `${NAME}: is there a bird?`
const COW = `${NAME}: is there a cow?`
const DOG = `${NAME}: is there a dog?`

test.beforeEach(({ context }) => beginThreadWith(context, 'engine.worker', () => HOLDABLE))

test('Users can take back several removals, one after the other, and one after they asked something else, and keep both across a reload', async ({
  app,
  page,
}) => {
  await app.openWith(PICTURE)
  await app.ask('is there a cat?')
  await app.finished(CAT)
  await test.step('several removals', async () => {
    await page.getByRole('button', { name: 'Remove is there a cat?' }).click()
    await app.list.getByRole('button', { name: 'Delete conversation' }).click()
    await expect(app.list.getByRole('listitem')).toHaveCount(0)
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect(app.conversation.getByRole('article')).toHaveCount(1)
    await page.getByRole('button', { name: 'Undo' }).click()
    await app.finished(CAT)
    await expect(page.getByRole('button', { name: 'Undo' })).toHaveCount(0)
  })

  await test.step('one behind which something else was asked', async () => {
    await page.getByRole('button', { name: 'Remove is there a cat?' }).click()
    await expect(app.answer(CAT)).toHaveCount(0)
    await app.ask('is there a dog?')
    await app.finished(DOG)
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect(app.conversation).toContainText('/ 2')
    await page.reload()
    await expect(app.conversation).toContainText('/ 2')
    await app.finished(DOG)
    await page.getByRole('button', { name: 'Previous version' }).click()
    await app.finished(CAT)
  })
})

test('Users can stop while the picture is looked at and ask at once, delete what is being written and take that back: it is finished', async ({
  app,
  page,
}) => {
  await app.open()
  await test.step('stopped while the picture is looked at', async () => {
    await hold(page, 'reading')
    await app.choose(PICTURE)
    await expect(app.answer(NAME)).toContainText('Reading')
    await page.keyboard.press('Escape')
    await hold(page, null)
    await app.ask('is there a cat?')
    await app.finished(CAT)
    await expect(app.answer(CAT)).not.toContainText('Stopped')
  })

  await test.step('deleted while it is being written', async () => {
    await app.answerAtLength()
    await hold(page, 'writing')
    await app.ask('is there a dog?')
    await expect(app.answer(DOG)).toContainText('Writing…')
    await app.list.getByRole('button', { name: 'Delete conversation' }).click()
    await expect(app.conversation.getByRole('article')).toHaveCount(0)
    await hold(page, null)
    await page.getByRole('button', { name: 'Undo' }).click()
    await app.finished(DOG)
    await expect(app.conversation).not.toContainText('Writing…')
  })
})

test('Users can talk about a picture in several tabs at once: each shows what the others say, what was cut off with its tab, and what was deleted', async ({
  app,
  page,
}) => {
  await app.openWith(PICTURE)
  const other = await app.beside()
  await other.finished(NAME)
  await app.comeBack()
  await app.answerAtLength()
  await hold(page, 'writing')
  await app.ask('is there a cat?')
  await expect(other.answer(CAT)).toContainText('Writing… (in another tab)')
  await expect(other.page.getByRole('button', { name: 'Stop' })).toHaveCount(0)
  await other.ask('is there a dog?')
  const third = await app.beside()
  await app.finished(DOG)
  await hold(page, null)
  for (const tab of [app, other, third]) {
    await tab.finished(CAT)
    await tab.finished(DOG)
  }
  await page.reload()
  for (const name of [NAME, CAT, DOG]) await app.finished(name)
  await expect(app.conversation.getByRole('article')).toHaveCount(3)

  await test.step('cut off with its tab', async () => {
    await third.comeBack()
    await third.answerAtLength()
    await hold(third.page, 'writing')
    await third.ask('is there a cow?')
    for (const tab of [app, other]) await expect(tab.answer(COW)).toContainText('Writing… (in another tab)')
    await third.page.close()
    for (const tab of [app, other])
      await expect(tab.answer(COW)).toContainText('The page was closed before this answer was finished')
    await other.comeBack()
    await other.answer(COW).getByRole('button', { name: 'Try again' }).click()
    await other.finished(COW)
  })

  await test.step('deleted in one tab: the other does not write it back', async () => {
    await other.answerAtLength()
    await hold(other.page, 'writing')
    await other.ask('is there a bird?')
    await expect(app.answer(BIRD)).toContainText('Writing… (in another tab)')
    await app.comeBack()
    await app.list.getByRole('button', { name: 'Delete conversation' }).click()
    await expect(other.list.getByRole('listitem')).toHaveCount(0)
    await other.page.close()
    await page.reload()
    await expect(app.list).toContainText('No conversations yet')
  })
})
