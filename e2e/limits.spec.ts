import sharp from 'sharp'
import { DRAWINGS } from '../lab/built-in-model/limits/drawings.ts'
import { seededRandom } from '../src/scenes/random.ts'
import { expect, test } from './fixtures.ts'

test('Users are told that an answer is a guess, and by what it was chosen to be written on', async ({
  app,
  page,
}, info) => {
  // Nobody chose: a measured step does, between WebAssembly and a software renderer.
  await app.open('')
  await app.openSheet()
  await expect(app.model).toContainText('Runs on WebAssembly')
  await expect(app.model).toContainText(/A step was measured on both: .* on the processor and .* on WebGPU/)
  const path = info.outputPath('stick figure.png')
  const figure = DRAWINGS['stick figures'](seededRandom(3))
  await sharp(
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="224" height="224">${figure}</svg>`),
  ).toFile(path)
  await app.choose(path)
  await app.finished(0)
  const guess = 'The practice model is not sure that it knows what this shows. A guess:'
  await expect(app.answer(0)).toContainText(guess)
  await app.ask('Why is it so?')
  await app.finished(1)
  await expect(app.answer(1)).toContainText('was not taught questions with “why”')
  await page.reload()
  await expect(app.answer(0)).toContainText(guess)
})
