/** A model of the other family in the page: converted here, talked with, and found again. */
import { readFileSync } from 'node:fs'
import { decodeImage } from '../src/cli/decode-image.ts'
import { folderTree } from '../src/cli/files.ts'
import { convertCheckpoint } from '../src/convert/convert.ts'
import { preprocess } from '../src/image/preprocess.ts'
import { sinkInMemory } from '../src/pack/bytes.ts'
import { GREEDY } from '../src/pack/decoding.ts'
import { openCompute } from '../src/runtime/device/open-compute.ts'
import { openTalkingModel } from '../src/runtime/models/models.ts'
import type { AnswerSoFar } from '../src/runtime/talk/discussion.ts'
import { lastOf, packInMemory } from '../testing/parity/reference.ts'
import { startHubServer } from '../testing/servers/hub-server.ts'
import { expect } from './fixtures.ts'
import { PICTURE, test } from './model-fixtures.ts'

const T5 = 'models/reference/t5-untied'
const NAME = 'good-rgb.png'
const QUESTIONS = ['what is it?', 'and what is behind it?', 'why?']

/** Caption and answers as the runtime gives them in Node, from the same checkpoint and picture. */
async function saidInNode(): Promise<string[]> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(folderTree(T5), sinkInMemory(files), { name: 't5', precision: 'q8' })
  const model = await openTalkingModel(packInMemory(files), await openCompute('wasm'))
  const pixels = preprocess(await decodeImage(readFileSync(PICTURE), 'drop'), model.manifest.preprocessing)
  const discussion = model.talk.discuss(await model.look.see(pixels))
  const settings = { settings: GREEDY }
  const textOf = async (steps: AsyncIterable<AnswerSoFar>): Promise<string> => (await lastOf(steps)).text
  const caption = await textOf(discussion.answer('', settings))
  const turns: { question: string; answer: string }[] = []
  for (const question of QUESTIONS)
    turns.push({ question, answer: await textOf(discussion.ask(turns, question, settings)) })
  discussion.dispose()
  await model.dispose()
  return [caption, ...turns.map(({ answer }) => answer)]
}

test('Users can convert a BLIP-2 with T5, talk with it and go on after a reload, and read what the command line says', async ({
  app,
  page,
  models,
  expected,
}) => {
  const hub = await startHubServer({ 'test/t5': T5 })
  expected.origins.push(hub.hub.origin, hub.files.origin)
  await page.route('**/models.json', (route) => route.fulfill({ json: { hub: hub.url, models: [] } }))
  const words = async (which: string): Promise<string> => (await app.finished(which)).split('\n')[0] ?? ''
  const answerTo = async (question: string): Promise<string> => {
    await app.ask(question)
    return words(`${NAME}: ${question}`)
  }
  const said: string[] = []
  try {
    await models.open()
    await models.look('test/t5', 'q8')
    await expect(app.model).toContainText('A checkpoint, to be converted here: 0.2 million parameters, q8')
    await expect(app.model).toContainText('A conversation may have')
    await expect(app.model).toContainText('Licence: not stated')
    await models.accept('Fetch and convert')
    await models.use()
    await app.choose(PICTURE)
    said.push(await words(NAME))
    for (const question of QUESTIONS.slice(0, 2)) said.push(await answerTo(question))
    await app.open('?provider=wasm')
    await app.openSheet()
    await expect(app.model.getByRole('heading', { level: 2 })).toHaveText('t5')
    expect(await words(NAME)).toBe(said[0])
    for (const question of QUESTIONS.slice(2)) said.push(await answerTo(question))
  } finally {
    await hub.close()
  }
  expect(said).toEqual(await saidInNode())
})
