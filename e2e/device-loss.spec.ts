import type { Page } from '@playwright/test'
import type { PartName } from '../src/pack/families.ts'
import { expect, test } from './fixtures.ts'
import { beginThreadWith, enginesOf, hold, HOLDABLE } from './threads.ts'

/** 20 takes minutes on a software adapter; the gate makes do with one loss and one behind it. */
const LOSSES = Number(process.env['DEVICE_LOSSES'] ?? 2)
const NAME = 'good-rgb.png'

test.use({ builtIn: 'small' })

/** Lets the engine's worker remember its device, so that it can be destroyed from outside in the middle of an answer. */
function rememberDevice(page: Page): Promise<void> {
  return beginThreadWith(
    page,
    'engine.worker',
    () => `${HOLDABLE}
     const request = GPUAdapter.prototype.requestDevice
     GPUAdapter.prototype.requestDevice = async function (...args) {
       return (self.device = await request.apply(this, args))
     }`,
  )
}

async function destroyDevice(page: Page): Promise<void> {
  const [engine] = enginesOf(page)
  await engine?.evaluate(() => (globalThis as unknown as { device: GPUDevice }).device.destroy())
}

test('Users keep the half answer, the draft and the conversation when the graphics device goes away', async ({
  app,
  page,
}) => {
  test.setTimeout(300_000 + LOSSES * 60_000)
  await rememberDevice(page)
  await app.openOnWebGpu()
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
    await expect(answer).toContainText('device-lost')
    await hold(page, null)
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

interface Moment {
  /** The part whose preparation is told of, or the stage. */
  news: PartName | 'warming-up'
  /** Behind that news: the so manieth call of a method. */
  call: 'GPUDevice.createBuffer' | 'GPUDevice.createShaderModule' | 'GPUBuffer.mapAsync' | 'GPUQueue.submit'
  count: number
}

/** Has the first engine of the visit lose its device at a moment of loading. Returns how many engines there were. */
async function loseWhileLoading(page: Page, { news, call, count }: Moment): Promise<() => number> {
  const [owner, method] = call.split('.')
  let started = 0
  await beginThreadWith(page, 'engine.worker', () => {
    started += 1
    if (started > 1) return ''
    return `let left = Infinity
      let device
      const request = GPUAdapter.prototype.requestDevice
      GPUAdapter.prototype.requestDevice = async function (...args) {
        return (device = await request.apply(this, args))
      }
      const original = ${owner}.prototype.${method}
      ${owner}.prototype.${method} = function (...args) {
        left -= 1
        if (left === 0) device.destroy()
        return original.apply(this, args)
      }
      const post = self.postMessage.bind(self)
      self.postMessage = (message, ...rest) => {
        if ([message.event?.graph, message.event?.stage].includes('${news}')) left = ${count}
        post(message, ...rest)
      }`
  })
  return () => started
}

for (const moment of [
  { news: 'vision', call: 'GPUDevice.createBuffer', count: 3 },
  { news: 'q-former', call: 'GPUDevice.createBuffer', count: 3 },
  // Nothing is read back before recordings are checked.
  { news: 'decoder', call: 'GPUBuffer.mapAsync', count: 2 },
  { news: 'warming-up', call: 'GPUQueue.submit', count: 2 },
] satisfies Moment[])
  test(`Users need do nothing when the graphics device goes away while it loads (${moment.news})`, async ({
    app,
    page,
  }) => {
    const engines = await loseWhileLoading(page, moment)
    // A software adapter is not warmed up unless it is asked for.
    await page.goto(moment.news === 'warming-up' ? '/?provider=webgpu&warm-up' : '/?provider=webgpu')
    await app.choose(`testing/images/${NAME}`)
    await app.finished(NAME)
    await app.openSheet()
    await expect(app.model).toContainText('Runs on WebGPU')
    expect(engines()).toBe(2)
  })
