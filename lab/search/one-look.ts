/**
 * What it saves that one look at a picture serves both models: pictures a second that are captioned and then matched with
 * their caption, by the built-in models on WebAssembly, with one look and with two, in turns:
 *   npx tsx lab/search/one-look.ts --pictures 60
 */
import { parseArgs } from 'node:util'
import { openPackFolder } from '../../src/cli/files.ts'
import { preprocess } from '../../src/image/preprocess.ts'
import type { Pixels } from '../../src/image/pixels.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import type { EncodedPicture } from '../../src/runtime/retrieval/text-q-former.ts'
import type { DeviceTensor } from '../../src/runtime/ort/tensor.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../../src/scenes/scene.ts'
import { drawnRows, openBuiltIn } from './drawn.ts'

const { values } = parseArgs({ options: { pictures: { type: 'string', default: '60' } } })
const count = Number(values.pictures)

const talks = await openTalkingModel(
  await openPackFolder('public/models/drawn-scenes'),
  await openCompute('wasm'),
)
const compares = await openBuiltIn()
const tower = await talks.tower()
if (tower === null) throw new Error('The built-in model has no tower.')

type Looks = 1 | 2
/** Of all pictures, until the model that compares has what its Q-Former reads. */
const lookMs = { 1: 0, 2: 0 }

/** The picture as the model that compares wants it: by a look of its own, or of what the other has seen. */
async function encoded(pixels: Pixels, features: DeviceTensor, looks: Looks): Promise<EncodedPicture> {
  if (looks === 2) return compares.encode(pixels)
  const states = tower?.statesOf(await features.read())
  const picture = states === undefined ? null : await compares.encodedElsewhere(states)
  if (picture === null) throw new Error('The two have no tower in common.')
  return picture
}

/** Probability that the caption fits. */
async function captionAndMatch(pixels: Pixels, looks: Looks): Promise<number> {
  const kept: DeviceTensor[] = []
  const seen = await talks.look.see(pixels, { onFeatures: (features) => kept.push(features) })
  let caption = ''
  for await (const { text } of talks.talk.answer(seen, { prompt: '', maxNewTokens: 30 })) caption = text
  const [features] = kept
  if (features === undefined) throw new Error('Nothing was looked at.')
  const startedAt = performance.now()
  const picture = await encoded(pixels, features, looks)
  lookMs[looks] += performance.now() - startedAt
  const [match] = await compares.match(picture, [caption])
  features.dispose()
  picture.features.dispose()
  return match?.itm ?? NaN
}

const ms = { 1: 0, 2: 0 }
let apart = 0
for (let i = 0; i < count; i += 1) {
  const { preprocessing } = talks.manifest
  const pixels = preprocess(
    await drawnRows(makeScene(FIRST_HELD_OUT_SEED + i), preprocessing.size),
    preprocessing,
  )
  const matches: number[] = []
  // Whoever comes second finds caches warm, so they take turns in that as well.
  for (const looks of i % 2 === 0 ? ([1, 2] as const) : ([2, 1] as const)) {
    const startedAt = performance.now()
    matches.push(await captionAndMatch(pixels, looks))
    ms[looks] += performance.now() - startedAt
  }
  apart = Math.max(apart, Math.abs((matches[0] ?? NaN) - (matches[1] ?? NaN)))
}
for (const looks of [1, 2] as const)
  console.warn(
    `${looks === 1 ? 'one look' : 'two looks'}: ${((1000 * count) / ms[looks]).toFixed(2)} pictures a second, ${(lookMs[looks] / count).toFixed(1)} ms each for what the second model sees`,
  )
console.warn(`probabilities of a match differ by ${apart.toExponential(1)} at most`)
await talks.dispose()
await compares.dispose()
