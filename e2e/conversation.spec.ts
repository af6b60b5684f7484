import { readFileSync } from 'node:fs'
import { unzipSync } from 'fflate'
import { expect, test, type AppPage } from './fixtures.ts'

const PICTURE = 'testing/images/good-rgb.png'
const NAME = 'good-rgb.png'

const config: unknown = JSON.parse(readFileSync('models/drawn-scenes/checkpoint/config.json', 'utf8'))
const { num_query_tokens: queries } = config as { num_query_tokens: number }

/** How many tokens of picture and words an answer says the model had to read. */
function tokensRead(words: string): number {
  return Number(/(\d+) tokens of picture and words/.exec(words)?.[1])
}

test('Users can hold a conversation of three turns, without a network and across a reload, and change their words in another', async ({
  app,
  page,
  context,
}) => {
  await app.open()
  await app.choose(PICTURE)
  await app.finished(NAME)
  await context.setOffline(true)
  await app.ask('what is in the picture?')
  await app.finished(`${NAME}: what is in the picture?`)
  await app.ask('how many things are there?')
  await app.finished(`${NAME}: how many things are there?`)
  const second = await app.factsOf(`${NAME}: how many things are there?`)
  await app.ask('is there a cat?')
  await app.finished(`${NAME}: is there a cat?`)
  const third = await app.factsOf(`${NAME}: is there a cat?`)
  // The first turn's cache holds the picture; later turns read what is new, which is less than a picture.
  for (const turn of [second, third]) {
    expect(tokensRead(turn)).toBeGreaterThan(0)
    expect(tokensRead(turn)).toBeLessThan(queries)
  }
  await context.setOffline(false)

  await page.reload()
  await expect(app.conversation.getByRole('article')).toHaveCount(4)
  await app.ask('what is in the picture?')
  await expect(app.conversation.getByRole('article')).toHaveCount(5)
  const again = await app.finished(4)
  expect(again).not.toContain('Looking')

  await app.startAnew()
  await test.step('edit a question, go back to the old wording, write another answer, undo a deletion', () =>
    changeWords(app))
})

async function changeWords(app: AppPage): Promise<void> {
  const { page } = app
  await app.choose(PICTURE)
  await app.finished(NAME)
  await app.ask('is there a cat?')
  await app.finished(`${NAME}: is there a cat?`)
  await page.getByRole('button', { name: 'Edit question: is there a cat?' }).click()
  const wording = page.getByRole('textbox', { name: 'Edit the question' })
  await wording.fill('is there a dog?')
  await page.reload()
  await expect(wording).toHaveValue('is there a dog?')
  await wording.press('Enter')
  await app.finished(`${NAME}: is there a dog?`)
  await expect(app.conversation).toContainText('2 / 2')
  await expect(wording).toHaveCount(0)
  await page.getByRole('button', { name: 'Previous version' }).click()
  await app.finished(`${NAME}: is there a cat?`)
  await page.getByRole('button', { name: 'Write another answer: is there a cat?' }).click()
  await expect(app.conversation).toContainText('3 / 3')
  await app.finished(`${NAME}: is there a cat?`)
  await page.getByRole('button', { name: 'Remove is there a cat?' }).click()
  await expect(page.getByRole('button', { name: 'Undo' })).toBeFocused()
  await expect(app.conversation).toContainText('2 / 2')
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(app.conversation).toContainText('3 / 3')
  await expect(app.answer(`${NAME}: is there a cat?`)).toBeFocused()
}

test('Users keep the picture that they were choosing while another one came, compare pictures with the same question, several ways of answering, and see the scores', async ({
  app,
  page,
}) => {
  await app.open()
  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Choose pictures, or drop them here' }).click()
  const choosing = await chooser
  await app.drop('testing/images/good-palette.png', 'image/png')
  await app.finished('good-palette.png')
  await choosing.setFiles(PICTURE)
  await app.finished(NAME)
  await expect(app.list.getByRole('link')).toHaveCount(2)

  await app.startAnew()
  await app.choose(PICTURE, 'testing/images/good-palette.png')
  await app.finished(NAME)
  await app.finished('good-palette.png')
  await app.openSettings()
  await page.getByLabel('How to answer').selectOption('My own')
  await page.getByLabel('Beams').fill('3')
  await page.getByLabel('Answers', { exact: true }).fill('4')
  await expect(page.getByText(/Several answers need sampling/)).toBeVisible()
  await page.getByLabel('Answers', { exact: true }).fill('3')
  await app.ask('what is in the picture?')
  await app.finished(`${NAME}: what is in the picture?`)
  await app.finished('good-palette.png: what is in the picture?')
  await expect(app.answer(`${NAME}: what is in the picture?`)).toContainText('3 answers with their scores')
})

test('Users can search, delete, export and import their conversations, and are told when a file is no export', async ({
  app,
  page,
}) => {
  await app.open()
  for (const name of ['good-rgb.png', 'good-grey.png', 'good-palette.png', 'good-alpha.png']) {
    await app.choose(`testing/images/${name}`)
    await app.finished(name)
  }
  await app.list.getByRole('searchbox', { name: 'Search conversations' }).fill('palette')
  await expect(app.list.getByRole('listitem')).toHaveCount(1)
  await app.list.getByRole('searchbox').fill('')
  const download = page.waitForEvent('download')
  await app.list.getByRole('button', { name: 'Export all' }).click()
  const path = await (await download).path()
  const files = unzipSync(readFileSync(path))
  expect(Object.keys(files).filter((name) => name.startsWith('pictures/'))).toHaveLength(4)
  expect(
    Buffer.from(files['pictures/1.png'] ?? []).equals(readFileSync('testing/images/good-alpha.png')),
  ).toBe(true)
  await app.list
    .getByRole('button', { name: /^Delete conversation/ })
    .last()
    .click()
  await expect(app.list.getByRole('listitem')).toHaveCount(3)
  const chooser = page.waitForEvent('filechooser')
  await app.list.getByRole('button', { name: 'Import' }).click()
  await (await chooser).setFiles(path)
  await expect(app.list.getByRole('listitem')).toHaveCount(7)
  await app.finished('good-alpha.png')

  const another = page.waitForEvent('filechooser')
  await app.list.getByRole('button', { name: 'Import' }).click()
  await (await another).setFiles('package.json')
  await expect(page.getByRole('main').getByText(/holds no pictalk conversations/)).toBeVisible()
})
