/** What is written on WebGPU, and that it is what WebAssembly writes. The other tests are about the page, on WebAssembly. */
import { expect, test, type AppPage } from './fixtures.ts'

const NAME = 'good-rgb.png'
const QUESTION = 'what is in the picture?'

/** The words of a finished answer, without what is said about it. */
async function wordsOf(app: AppPage, which: string): Promise<string> {
  const [words = ''] = (await app.finished(which)).split('\n')
  return words
}

/** A caption, an answer to a question, and one that three beams found. */
async function converse(app: AppPage): Promise<string[]> {
  await app.choose(`testing/images/${NAME}`)
  const words = [await wordsOf(app, NAME)]
  await app.ask(QUESTION)
  words.push(await wordsOf(app, `${NAME}: ${QUESTION}`))
  await app.openSettings()
  await app.page.getByLabel('How to answer').selectOption('My own')
  await app.page.getByLabel('Beams').fill('3')
  await app.ask('is there a cat?')
  words.push(await wordsOf(app, `${NAME}: is there a cat?`))
  return words
}

test('Users read the same caption, answer and beams from WebGPU as from WebAssembly', async ({
  app,
  page,
}) => {
  await app.openOnWebGpu()
  const onGpu = await converse(app)
  for (const words of onGpu) expect(words).toMatch(/[a-z]{2,}/)
  expect(await app.factsOf(NAME)).toContain('tokens per second')
  await page.evaluate(() => localStorage.clear())
  await app.list.getByRole('button', { name: /^Delete conversation/ }).click()
  await app.open()
  expect(await converse(app)).toEqual(onGpu)
})
