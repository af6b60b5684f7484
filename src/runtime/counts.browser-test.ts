import { asFamily } from '../pack/manifest.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startGpuProbe } from '../bench/gpu-probe.ts'
import { measure } from '../bench/measure.ts'
import { GREEDY, type DecodingSettings } from '../pack/decoding.ts'
import { openTalkingModel } from './models/models.ts'
import type { TalkingModel } from './models/model.ts'
import type { AnswerSoFar, Discussion } from './talk/discussion.ts'
import type { EarlierTurn } from './talk/dialogue.ts'
import type { Compute } from './device/compute.ts'
import { liveTensorCount } from './ort/tensor.ts'
import type { Pixels } from '../image/pixels.ts'
import { sharedDevice } from '../../testing/gpu/shared-device.ts'
import { smallPack } from '../../testing/small-model.ts'

/** What the GPU is asked to do, whoever asks. */
const probe = startGpuProbe()
const { counts } = probe
let compute: Compute
let model: TalkingModel

beforeAll(async () => {
  compute = await sharedDevice()
  // Few positions: the context is to be full after few turns.
  model = await openTalkingModel(await smallPack({ positions: 160 }), compute)
})

afterAll(async () => {
  await model.dispose()
  expect(liveTensorCount()).toBe(0)
  probe.stop()
})

function grey(): Pixels {
  const size = model.manifest.parts.vision.shape.imageSize
  return { data: new Float32Array(3 * size * size), size, brand: 'pixels' }
}

/** Counts per token of one answer. */
async function perToken(
  settings: Partial<DecodingSettings>,
  discussion: Discussion,
): Promise<{ dispatches: number; bytesRead: number }[]> {
  const steps = []
  let before = { ...counts }
  for await (const soFar of discussion.answer('', { settings: { ...GREEDY, ...settings } })) {
    expect(soFar.prefilled).toBeGreaterThan(0)
    steps.push({
      dispatches: counts.dispatches - before.dispatches,
      bytesRead: counts.bytesRead - before.bytesRead,
    })
    before = { ...counts }
  }
  return steps
}

async function once<T>(work: (discussion: Discussion) => Promise<T>): Promise<T> {
  const discussion = model.talk.discuss(await model.look.see(grey()))
  try {
    return await work(discussion)
  } finally {
    discussion.dispose()
  }
}

it('records steps of one token', async () => {
  // Found out with the first of them.
  await once((discussion) => perToken({ maxNewTokens: 2, minNewTokens: 2 }, discussion))
  expect(model.talk.recordsSteps).toBe(true)
})

it('is measured with steps recorded and without', async () => {
  const pack = await smallPack({ positions: 160 })
  const { decode, device, kernels } = await measure(pack, compute, {
    tokens: 4,
    promptTokens: 3,
    kernels: 'never',
  })
  expect(device).toMatchObject({ provider: 'webgpu', recordsSteps: true })
  expect([decode.recorded?.tokens, decode.plain.tokens]).toEqual([4, 4])
  // Without timestamps, as the page measures.
  expect(kernels).toBeNull()
})

it('reads nothing back between the vision encoder, Q-Former and decoder', async () => {
  const before = counts.bytesRead
  const { embeddings } = await model.look.see(grey())
  expect(counts.bytesRead).toBe(before)
  embeddings.dispose()
})

it.each([
  ['one row of logits greedily', { maxNewTokens: 6, minNewTokens: 6 }, 1],
  ['one row for each of five beams', { maxNewTokens: 6, minNewTokens: 6, beams: 5 }, 5],
  [
    'one row for each of three samples',
    { maxNewTokens: 6, minNewTokens: 6, answers: 3, sampling: { temperature: 1, topK: 0, topP: 1, seed: 1 } },
    3,
  ],
])('asks for the same work for every token and reads back %s', async (_, settings, rows) => {
  const [, ...steps] = await once((discussion) => perToken(settings, discussion))
  expect(steps).toHaveLength(5)
  const rowBytes = 4 * asFamily(model.manifest, 'blip2-opt').parts.decoder.shape.vocabulary
  for (const { bytesRead } of steps) {
    expect(bytesRead).toBeGreaterThanOrEqual(rows * rowBytes)
    // ONNX Runtime rounds read-back buffers up to its size classes.
    expect(bytesRead).toBeLessThan(2 * rows * rowBytes + 1024)
  }
  expect(new Set(steps.map(({ dispatches }) => dispatches)).size).toBe(1)
  if (import.meta.env['VITE_PRINT_COUNTS']) console.warn(rows, 'rows', steps[0])
})

it('keeps no tensor after an answer, and makes no more buffers for the tenth than for the second', async () => {
  const short = { maxNewTokens: 3, minNewTokens: 3 }
  const made = async (): Promise<number> => {
    const before = counts.buffers
    await once((discussion) => perToken(short, discussion))
    return counts.buffers - before
  }
  await made()
  const live = liveTensorCount()
  const second = await made()
  for (let i = 0; i < 7; i += 1) await made()
  expect(await made()).toBeLessThanOrEqual(second)
  expect(liveTensorCount()).toBe(live)
})

it('prefills only what is new in a conversation, and answers as if it had read everything', async () => {
  const questions = ['what is in the picture?', 'how many things are there?', 'is there a cat?']
  const settings = { ...GREEDY, maxNewTokens: 8 }
  const turns: EarlierTurn[] = []
  const prefilled: number[] = []
  const afresh: number[] = []
  const ratios: number[] = []
  await once(async (discussion) => {
    for (const question of questions) {
      const { last: ours, firstMs } = await timed(discussion.ask(turns, question, { settings }))
      const { last: fresh, firstMs: freshMs } = await once((other) =>
        timed(other.ask(turns, question, { settings })),
      )
      ratios.push(firstMs / freshMs)
      expect(ours.tokenIds).toEqual(fresh.tokenIds)
      prefilled.push(ours.prefilled)
      afresh.push(fresh.prefilled)
      turns.push({ question, answer: ours.text })
    }
    // Another wording of the second question: only from there on.
    const again = (await timed(discussion.ask(turns.slice(0, 1), 'is there a dog?', { settings }))).last
    expect(again.prefilled).toBeLessThan(afresh[1] ?? 0)
  })
  expect(prefilled[0]).toBe(afresh[0])
  expect(prefilled[1]).toBeLessThan((afresh[1] ?? 0) / 2)
  expect(prefilled[2]).toBeLessThan((afresh[2] ?? 0) / 2)
  if (import.meta.env['VITE_PRINT_COUNTS'])
    console.warn('prefilled', prefilled, 'afresh', afresh, 'time to first token', ratios)
})

it('does not grow with the number of turns', async () => {
  const settings = { ...GREEDY, maxNewTokens: 2 }
  await once(async (discussion) => {
    const turns: EarlierTurn[] = []
    let dropped = 0
    const ask = async (): Promise<void> => {
      const last = (await timed(discussion.ask(turns, 'is there a cat?', { settings }))).last
      turns.push({ question: 'is there a cat?', answer: last.text })
      dropped = last.dropped
    }
    const buffersOf = async (count: number): Promise<number> => {
      const before = counts.buffers
      for (let turn = 0; turn < count; turn += 1) await ask()
      return counts.buffers - before
    }
    // By then the context is full, and every turn drops another one.
    await buffersOf(14)
    expect(dropped).toBeGreaterThan(0)
    const live = liveTensorCount()
    const [some, asMany] = [await buffersOf(6), await buffersOf(6)]
    expect(liveTensorCount()).toBe(live)
    expect(asMany).toBeLessThanOrEqual(1.25 * Math.max(some, 6))
    expect(dropped).toBeGreaterThan(0)
  })
})

/** The last state of an answer, and the milliseconds to its first token. */
async function timed(answer: AsyncIterable<AnswerSoFar>): Promise<{ last: AnswerSoFar; firstMs: number }> {
  const started = performance.now()
  let firstMs = NaN
  let last: AnswerSoFar | undefined
  for await (const soFar of answer) {
    if (last === undefined) firstMs = performance.now() - started
    last = soFar
  }
  if (last === undefined) throw new Error('The answer was empty.')
  return { last, firstMs }
}
