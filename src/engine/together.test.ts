import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { rowsOf } from '../image/pixels.ts'
import { pictureOf } from '../image/read-picture.ts'
import { GREEDY } from '../pack/decoding.ts'
import { AppError } from '../pack/failure.ts'
import { MOST_ROWS } from '../pack/memory-budget.ts'
import type { Answered, AnswerProgress } from '../protocol/engine-calls.ts'
import { CAPTIONS_TOGETHER } from '../protocol/engine-calls.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { GraphRuns } from '../runtime/language/graph-runs.ts'
import { liveTensorCount } from '../runtime/ort/tensor.ts'
import { tableInMemory } from '../store/table.ts'
import { syntheticPack } from '../synthetic/pack.ts'
import { madeOnce } from '../../testing/made-once.ts'
import { Engine } from './engine.ts'
import { SeenPictures, type Seen } from './seen.ts'

const PACK = madeOnce(syntheticPack({ size: 'tiny', precision: 'q4', seed: 1 }))
const BROKEN = 255
let engine: Engine

beforeAll(async () => {
  engine = new Engine({
    openPack: () => Promise.resolve(PACK),
    openCompute: () => openCompute('wasm'),
    probeDevices: () => Promise.resolve([]),
    readPicture: async (image, preprocessing) => {
      const [shade = 0] = new Uint8Array(await image.arrayBuffer())
      if (shade === BROKEN) throw new AppError('bad-image', 'This picture is broken.')
      return pictureOf(rowsOf(8, 4, new Uint8Array(8 * 4 * 3).fill(shade)), preprocessing)
    },
    seen: new SeenPictures(tableInMemory(new Map<string, Seen>())),
  })
  await engine.load(
    { pack: { kind: 'web', url: '' }, prefer: 'wasm', memory: 'auto' },
    () => undefined,
    never,
  )
})
afterEach(() => void vi.restoreAllMocks())
afterAll(async () => {
  await engine.unload()
  expect(liveTensorCount()).toBe(0)
})

const never = new AbortController().signal

/** A caption of a picture of one shade, whose file is one byte. */
function caption(
  shade: number,
  {
    together = true,
    signal = never,
    report = (): void => undefined,
  }: { together?: boolean; signal?: AbortSignal; report?: (event: AnswerProgress) => void } = {},
): Promise<Answered> {
  const length = 3 + (shade % 4)
  return engine.answer(
    {
      picture: { id: `picture ${shade}`, image: new Blob([Uint8Array.of(shade)]) },
      asked: { kind: 'caption', prompt: '' },
      settings: { ...GREEDY, maxNewTokens: length },
      together,
    },
    report,
    signal,
  )
}

it('has the captions of pictures that are asked for together, in fewer runs', async () => {
  const runs = vi.spyOn(GraphRuns.prototype, 'run')
  const shades = Array.from({ length: CAPTIONS_TOGETHER + 2 }, (_, i) => 20 * i)
  const told: string[] = []
  const together = await Promise.all(
    shades.map((shade) => caption(shade, { report: ({ stage }) => void (shade === 0 && told.push(stage)) })),
  )
  const shared = runs.mock.calls.length
  expect(Math.max(...runs.mock.calls.map(([, { batch }]) => batch))).toBe(MOST_ROWS)
  runs.mockClear()
  const alone: Answered[] = []
  for (const shade of shades) alone.push(await caption(shade, { together: false }))
  expect(together.map(({ tokenIds, finish }) => [tokenIds, finish])).toEqual(
    alone.map(({ tokenIds, finish }) => [tokenIds, finish]),
  )
  // A prompt each, and hardly more steps than the longest has.
  expect(shared).toBeLessThan(runs.mock.calls.length / 1.5)
  expect(told).toEqual(['reading', 'looking', ...Array<string>(3).fill('writing')])
  expect(together[0]?.look).toMatchObject({ width: 8, height: 4 })
})

it('lets an answer of a conversation come between', async () => {
  const ended: string[] = []
  const many = Array.from({ length: 3 * CAPTIONS_TOGETHER }, (_, i) => i).map(async (shade) => {
    await caption(shade)
    ended.push('caption')
  })
  await many[0]
  await caption(200, { together: false })
  ended.push('answer')
  await Promise.all(many)
  expect(ended).toHaveLength(many.length + 1)
  expect(ended.indexOf('answer')).toBeLessThan(2 * CAPTIONS_TOGETHER)
})

it('stops one, and fails one, and writes the others', async () => {
  const stop = new AbortController()
  const [whole, stopped, failed, last] = await Promise.allSettled([
    caption(1),
    caption(7, {
      signal: stop.signal,
      report: (event) => {
        if (event.stage === 'writing' && event.tokens === 2) stop.abort()
      },
    }),
    caption(BROKEN),
    caption(2),
  ])
  expect(whole).toMatchObject({ value: { finish: 'limit' } })
  expect(stopped).toMatchObject({ value: { finish: 'stopped', answers: [] } })
  expect(failed).toMatchObject({ reason: { code: 'bad-image' } })
  expect(last).toMatchObject({ value: { finish: 'limit' } })
})
