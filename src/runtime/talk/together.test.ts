import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GREEDY, type DecodingSettings } from '../../pack/decoding.ts'
import { AppError } from '../../pack/failure.ts'
import { asFamily, type PackReader } from '../../pack/manifest.ts'
import { seededUniform } from '../decode/sampling.ts'
import { openCompute } from '../device/open-compute.ts'
import type { SeenImage } from '../models/look.ts'
import type { TalkingModel } from '../models/model.ts'
import { openTalkingModel } from '../models/models.ts'
import { liveTensorCount } from '../ort/tensor.ts'
import type { AnswerSoFar } from './discussion.ts'
import { packInMemory } from '../../../testing/parity/reference.ts'
import { smallModel } from '../../../testing/small-model.ts'

const PICTURES = 11
let model: TalkingModel
let live = 0

beforeAll(async () => {
  const read = async (path: string): Promise<ArrayBuffer> => new Uint8Array(await readFile(path)).buffer
  const pack = packInMemory(await smallModel(read, { positions: 160 }))
  const { manifest } = pack
  const { decoder } = asFamily(manifest, 'blip2-opt').parts
  // What it says means nothing, so one token in nine may end it: somewhere each answer does.
  const eosIds = Array.from({ length: Math.floor(decoder.shape.vocabulary / 9) }, (_, i) => 9 * i)
  const parts = { ...manifest.parts, decoder: { ...decoder, shape: { ...decoder.shape, eosIds } } }
  const ending = { ...pack, manifest: { ...manifest, parts } } as PackReader
  model = await openTalkingModel(ending, await openCompute('wasm'))
})
afterAll(async () => {
  await model.dispose()
  expect(liveTensorCount()).toBe(0)
})
beforeEach(() => {
  live = liveTensorCount()
})

function seen(picture: number): SeenImage {
  const { queries, hiddenSize } = asFamily(model.manifest, 'blip2-opt').parts.decoder.shape
  const next = seededUniform(picture)
  return model.look.seenBefore(Float32Array.from({ length: queries * hiddenSize }, () => 20 * (next() - 0.5)))
}

const wanted = (settings: Partial<DecodingSettings> = {}): DecodingSettings => ({
  ...GREEDY,
  maxNewTokens: 10,
  ...settings,
})

async function alone(picture: number, prompt: string, settings: DecodingSettings): Promise<AnswerSoFar> {
  const discussion = model.talk.discuss(seen(picture))
  let last: AnswerSoFar | undefined
  for await (const soFar of discussion.answer(prompt, { settings })) last = soFar
  discussion.dispose()
  if (last === undefined) throw new Error('The answer was empty.')
  return last
}

const together = (
  picture: number,
  prompt = '',
  settings = wanted(),
  signal?: AbortSignal,
): Promise<AnswerSoFar> =>
  model.talk.answerTogether(Promise.resolve(seen(picture)), prompt, { settings, signal })

const all = Array.from({ length: PICTURES }, (_, picture) => picture)

describe('answers written together are those written alone', () => {
  it.each<[string, Partial<DecodingSettings>, (picture: number) => string]>([
    ['greedily, more pictures than rows', {}, () => ''],
    ['behind prompts of different lengths', {}, (i) => ['', 'a picture of', 'there is'][i % 3] ?? ''],
    ['with penalties', { repetitionPenalty: 1.4, noRepeatNgram: 2, minNewTokens: 6 }, () => ''],
    ['drawn', { sampling: { temperature: 1.2, topK: 20, topP: 0.95, seed: 5 } }, () => ''],
    [
      'with words that must and must not occur',
      { words: { begin: '', ban: ['red', 'on'], force: ['cat'] } },
      () => '',
    ],
  ])('%s', async (_, settings, promptOf) => {
    const own = (i: number): DecodingSettings => wanted({ maxNewTokens: 6 + ((5 * i) % 7), ...settings })
    const answers = await Promise.all(all.map((i) => together(i, promptOf(i), own(i))))
    const expected: AnswerSoFar[] = []
    for (const i of all) expected.push(await alone(i, promptOf(i), own(i)))
    expect(answers.map(({ tokenIds }) => tokenIds)).toEqual(expected.map(({ tokenIds }) => tokenIds))
    answers.forEach((answer, i) => {
      const [ours, other] = [answer.answers[0], expected[i]?.answers[0]]
      expect(ours?.score).toBeCloseTo(other?.score ?? NaN, 4)
      expect({ ...answer, answers: [] }).toEqual({ ...expected[i], answers: [] })
    })
    // Else nothing would have ended before anything else.
    expect(new Set(answers.map(({ tokenIds }) => tokenIds.length)).size).toBeGreaterThan(3)
    expect(liveTensorCount()).toBe(live)
  })

  it('beams among them, which have no row', async () => {
    const beams = wanted({ beams: 3, maxNewTokens: 8 })
    const answers = await Promise.all([together(0), together(1, '', beams), together(2)])
    const expected = [await alone(0, '', wanted()), await alone(1, '', beams), await alone(2, '', wanted())]
    expect(answers.map(({ tokenIds }) => tokenIds)).toEqual(expected.map(({ tokenIds }) => tokenIds))
  })
})

describe('what goes wrong with one is its own affair', () => {
  it('a picture that cannot be looked at, a prompt that is too long, a bad setting, and one that is stopped', async () => {
    const stop = new AbortController()
    const late = new AbortController()
    late.abort()
    const results = await Promise.allSettled([
      together(0),
      model.talk.answerTogether(Promise.reject(new AppError('bad-image', 'Broken.')), '', {
        settings: wanted(),
      }),
      together(1, 'what is this '.repeat(600)),
      together(2, '', wanted({ beams: 0 })),
      model.talk.answerTogether(Promise.resolve(seen(3)), '', {
        settings: wanted(),
        signal: stop.signal,
        report: ({ tokenIds }) => {
          if (tokenIds.length === 2) stop.abort()
        },
      }),
      together(4, '', wanted(), late.signal),
      together(5),
    ])
    expect(
      results.map((result) => (result.status === 'rejected' ? (result.reason as AppError).code : 'written')),
    ).toEqual(['written', 'bad-image', 'prompt-too-long', 'bad-usage', 'cancelled', 'cancelled', 'written'])
    const last = results.at(-1)
    expect(last?.status === 'fulfilled' && last.value.tokenIds).toEqual(
      (await alone(5, '', wanted())).tokenIds,
    )
    expect(liveTensorCount()).toBe(live)
  })
})

it('waits for a picture that is still looked at, and tells of each token', async () => {
  const told: number[] = []
  let arrive: (image: SeenImage) => void = () => undefined
  const later = new Promise<SeenImage>((resolve) => (arrive = resolve))
  const options = {
    settings: wanted(),
    report: ({ tokenIds }: AnswerSoFar) => void told.push(tokenIds.length),
  }
  const answers = [together(0), model.talk.answerTogether(later, '', options)]
  arrive(seen(1))
  const [, second] = await Promise.all(answers)
  expect(told).toEqual(Array.from({ length: second?.tokenIds.length ?? 0 }, (_, i) => i + 1))
})
