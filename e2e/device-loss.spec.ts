import type { Page } from '@playwright/test'
import { expect, test } from './fixtures.ts'
import { beginThreadWith, enginesOf, hold, HOLDABLE } from './threads.ts'

/**
 * Behind the one while it loads: they count alike, and an answer in between forgives the one before. 20 takes minutes on a
 * software adapter; the gate makes do with one.
 */
const LOSSES = Number(process.env['DEVICE_LOSSES'] ?? 1)
const NAME = 'good-rgb.png'

test.use({ builtIn: 'small' })

/** Remembers the engine's device, so that it can be destroyed from outside in the middle of an answer. */
const REMEMBERING = `${HOLDABLE}
  const request = GPUAdapter.prototype.requestDevice
  GPUAdapter.prototype.requestDevice = async function (...args) {
    return (self.device = await request.apply(this, args))
  }`

/**
 * Destroys the device while the Q-Former is prepared. How a load fails at other moments is looked at in a thread alone
 * (`loss-while-loading.browser-test`).
 */
const LOSING = `
  let left = Infinity
  let device
  const request = GPUAdapter.prototype.requestDevice
  GPUAdapter.prototype.requestDevice = async function (...args) {
    return (device = await request.apply(this, args))
  }
  const createBuffer = GPUDevice.prototype.createBuffer
  GPUDevice.prototype.createBuffer = function (...args) {
    left -= 1
    if (left === 0) device.destroy()
    return createBuffer.apply(this, args)
  }
  const post = self.postMessage.bind(self)
  self.postMessage = (message, ...rest) => {
    if (message.event?.graph === 'q-former') left = 3
    post(message, ...rest)
  }`

async function destroyDevice(page: Page): Promise<void> {
  const [engine] = enginesOf(page)
  await engine?.evaluate(() => (globalThis as unknown as { device: GPUDevice }).device.destroy())
}

test('Users need do nothing when the graphics device goes away while it loads, and keep the half answer, the draft and the conversation when it goes later', async ({
  app,
  page,
}) => {
  test.setTimeout(300_000 + LOSSES * 60_000)
  let engines = 0
  await beginThreadWith(page, 'engine.worker', () => {
    engines += 1
    return engines === 1 ? LOSING : REMEMBERING
  })
  await app.openOnWebGpu()
  expect(engines).toBe(2)
  await app.choose(`testing/images/${NAME}`)
  await app.finished(NAME)
  await app.answerAtLength()
  await app.openSettings()
  for (let loss = 1; loss <= LOSSES; loss += 1) {
    // Long enough for a pause in the middle of it.
    await app.changeLength(80)
    await hold(page, 'writing')
    const question = `what is in the picture? ${loss}`
    await app.ask(question)
    const draft = page.getByRole('textbox', { name: 'Ask about the image' })
    await draft.fill('half a question')
    const answer = app.answer(`${NAME}: ${question}`)
    await expect(answer).toContainText('Writing…')
    await destroyDevice(page)
    // The thread that is held ends with its device.
    await expect(answer).toContainText('device-lost')
    await expect(draft).toHaveValue('half a question')
    await expect(app.model).toContainText('Runs on WebGPU')
    // Of an answer that is left alone a few words are enough.
    await app.changeLength(4)
    await answer.getByRole('button', { name: 'Try again' }).click()
    const words = await app.finished(`${NAME}: ${question}`)
    expect(words).not.toContain('device-lost')
    await draft.fill('')
  }
  expect(enginesOf(page)).toHaveLength(1)
})
