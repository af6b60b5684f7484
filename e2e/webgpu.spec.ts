/** What is written on WebGPU, and that it is what WebAssembly writes. The other tests are about the page, on WebAssembly. */
import { expect, test, type AppPage } from './fixtures.ts'
import { axeOn, expectNone } from './violations.ts'

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

test('Users read the same caption, answer and beams from WebGPU as from WebAssembly, see and copy what was chosen, change over and measure', async ({
  app,
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await app.openOnWebGpu()
  const onGpu = await converse(app)
  for (const words of onGpu) expect(words).toMatch(/[a-z]{2,}/)
  expect(await app.factsOf(NAME)).toContain('tokens per second')

  const copied = async (): Promise<unknown> => {
    await page.getByRole('button', { name: 'Copy as text' }).click()
    await expect(page.getByRole('button', { name: 'Copied', exact: true })).toBeVisible()
    return JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))
  }
  // In the sheet that beams were set in.
  await page.getByText('This device', { exact: true }).click()
  const chosen = page.getByLabel('What was chosen')
  await expect(chosen).toContainText('WebGPU')
  // Said once the first answer has shown it.
  await expect(chosen).toContainText('yes: the commands of a step are recorded once and replayed')
  for (const fact of ['a software adapter gives wrong numbers', 'picture included', 'Workgroup storage'])
    await expect(chosen).toContainText(fact)
  expect(await copied()).toMatchObject({
    device: { provider: 'webgpu', recordsSteps: true, subgroups: 'software', context: { why: 'model' } },
  })

  await page.getByRole('button', { name: 'Use WebAssembly' }).click()
  await expect(app.model).toContainText('Runs on WebAssembly')
  // What is measured on a graphics device is looked at in a thread alone, where its shaders are compiled already.
  await page.getByRole('button', { name: 'Measure this device' }).click()
  await expect(page.getByLabel('What was measured')).toContainText('tokens/s')
  await expect(app.model).toContainText('Runs on WebAssembly')
  expect(await copied()).toMatchObject({
    device: { provider: 'wasm' },
    model: { name: 'drawn-scenes' },
    measured: { decode: { recorded: null, plain: { tokens: 16 } } },
  })
  const axe = await axeOn(page)
  await expectNone(axe.include('details.device'))
  await app.closeSheet()
  // What was measured has gone, and the same page goes on to answer.
  await app.ask('how many are there?')
  expect(await wordsOf(app, `${NAME}: how many are there?`)).toMatch(/[a-z]{2,}/)

  await page.evaluate(() => localStorage.clear())
  await app.list.getByRole('button', { name: /^Delete conversation/ }).click()
  await app.open()
  expect(await converse(app)).toEqual(onGpu)
})
