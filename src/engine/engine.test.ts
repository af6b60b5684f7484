import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openPackFolder } from '../cli/files.ts'
import { rowsOf } from '../image/pixels.ts'
import { pictureOf, type PictureRead } from '../image/read-picture.ts'
import { GREEDY } from '../pack/decoding.ts'
import { AppError } from '../pack/failure.ts'
import type { LaterCheck, PackReader, Preprocessing } from '../pack/manifest.ts'
import type { AnswerProgress, AnswerRequest, LookProgress, PictureSource } from '../protocol/engine-calls.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { Talk } from '../runtime/models/talk.ts'
import { OnDemandSession } from '../runtime/ort/on-demand-session.ts'
import { liveTensorCount } from '../runtime/ort/tensor.ts'
import { tableInMemory, type Table } from '../store/table.ts'
import { syntheticPack } from '../synthetic/pack.ts'
import { madeOnce } from '../../testing/made-once.ts'
import { Engine } from './engine.ts'
import { SeenPictures, type Seen } from './seen.ts'

const SYNTHETIC = madeOnce(syntheticPack({ size: 'tiny', precision: 'q4', seed: 1 }))
/** The same, but nobody can tell. */
const OTHER: PackReader = {
  ...SYNTHETIC,
  manifest: {
    ...SYNTHETIC.manifest,
    files: SYNTHETIC.manifest.files.map((file) => ({
      ...file,
      chunks: [{ bytes: file.bytes, sha256: 'f' }],
    })),
  },
}
const never = new AbortController().signal
const unheard = (): void => undefined

/** A grey picture, whose file is one byte: its shade. */
const picture = (shade: number, id = `picture ${shade}`): PictureSource => ({
  id,
  image: new Blob([Uint8Array.of(shade)]),
})

async function greyOf(image: Blob, preprocessing: Preprocessing): Promise<PictureRead> {
  const [shade = 0] = new Uint8Array(await image.arrayBuffer())
  return pictureOf(rowsOf(8, 4, new Uint8Array(8 * 4 * 3).fill(shade)), preprocessing)
}

/** Reading a picture, which can be held up. */
function reading(): { read: typeof greyOf; hold: () => () => void; reads: () => number } {
  let gate = Promise.resolve()
  let reads = 0
  return {
    read: async (image, preprocessing) => {
      reads += 1
      await gate
      return greyOf(image, preprocessing)
    },
    hold() {
      let open = unheard
      gate = new Promise((resolve) => (open = resolve))
      return open
    },
    reads: () => reads,
  }
}

let pictures: ReturnType<typeof reading>
let table: Map<string, Seen>
let engine: Engine
let pack: PackReader

function engineOn(seen: Table<Seen>, openPack: () => Promise<PackReader>): Engine {
  return new Engine({
    openPack,
    openCompute: () => openCompute('wasm'),
    probeDevices: () => Promise.resolve([]),
    readPicture: pictures.read,
    seen: new SeenPictures(seen),
  })
}

const load = (one: Engine, signal = never): ReturnType<Engine['load']> =>
  one.load({ pack: { kind: 'web', url: '' }, prefer: 'wasm', memory: 'auto' }, unheard, signal)

const captionOf = (source: PictureSource, maxNewTokens = 3): AnswerRequest => ({
  picture: source,
  asked: { kind: 'caption', prompt: '' },
  settings: { ...GREEDY, maxNewTokens, minNewTokens: maxNewTokens },
})

const caption = (
  source: PictureSource,
  report: (event: AnswerProgress) => void = unheard,
  signal = never,
): ReturnType<Engine['answer']> => engine.answer(captionOf(source), report, signal)

beforeEach(async () => {
  pictures = reading()
  table = new Map()
  pack = SYNTHETIC
  engine = engineOn(tableInMemory(table), () => Promise.resolve(pack))
  await load(engine)
  // The first makes the model up.
}, 60_000)
afterEach(async () => {
  vi.restoreAllMocks()
  await engine.unload()
  expect(liveTensorCount()).toBe(0)
})

it('hands out what its tower made of a picture that it looked at, until the picture or the model goes', async () => {
  const { tokens, hiddenSize } = SYNTHETIC.manifest.parts.vision.shape
  expect(await engine.towerStates({ pictureId: 'picture 1' })).toBeNull()
  for (const shade of [1, 2]) await engine.look(picture(shade), unheard, never)
  const states = await engine.towerStates({ pictureId: 'picture 1' })
  expect(states?.tower).toMatch(/^[0-9a-f]{64}$/)
  expect(states?.values).toHaveLength(tokens * hiddenSize)
  const token = states?.values.subarray(0, hiddenSize) ?? new Float32Array()
  expect(token.reduce((sum, value) => sum + value, 0) / hiddenSize).toBeCloseTo(0, 4)
  expect(token.reduce((sum, value) => sum + value ** 2, 0) / hiddenSize).toBeCloseTo(1, 3)
  await engine.forget({ pictureIds: ['picture 1'] })
  expect(await engine.towerStates({ pictureId: 'picture 1' })).toBeNull()
  expect(await engine.towerStates({ pictureId: 'picture 2' })).not.toBeNull()
  await load(engine)
  expect(await engine.towerStates({ pictureId: 'picture 2' })).toBeNull()
})

it('has nothing to lose on the processor, which it says at once, so that no call stays for good', async () => {
  await expect(engine.untilLost()).resolves.toBeNull()
})

describe('whether steps are recorded', () => {
  const shows = (records: boolean | null): void =>
    void vi.spyOn(Talk.prototype, 'recordsSteps', 'get').mockReturnValue(records)

  it('is known at once on the processor, which records none', async () => {
    expect((await load(engine)).device.recordsSteps).toBe(false)
    expect(await engine.untilStepsKnown()).toBe(false)
  })

  it.each([true, false])('is told behind the answer whose first step shows it: %s', async (records) => {
    shows(null)
    expect((await load(engine)).device.recordsSteps).toBeNull()
    const heard = vi.fn()
    void engine.untilStepsKnown().then(heard)
    await caption(picture(7))
    await engine.ping()
    expect(heard).not.toHaveBeenCalled()
    shows(records)
    await caption(picture(7))
    await vi.waitFor(() => expect(heard.mock.calls).toEqual([[records]]))
  })

  it('stays unknown of a model that is let go of before, so that no call stays for good', async () => {
    shows(null)
    await load(engine)
    const known = engine.untilStepsKnown()
    await load(engine)
    expect(await known).toBeNull()
  })
})

describe('an answer', () => {
  it('looks first, tells how far it is, and says what the look told', async () => {
    const told: string[] = []
    const answered = await caption(picture(7), (event) => told.push(event.stage))
    expect(told).toEqual(['reading', 'looking', 'writing', 'writing', 'writing'])
    expect(answered).toMatchObject({ finish: 'limit', look: { width: 8, height: 4, photograph: false } })
    expect(answered.tokenIds).toHaveLength(3)
    expect(answered.look?.lookMs).toBeGreaterThan(0)
  })

  it('does not look again, nor does the next visit', async () => {
    const first = await caption(picture(7))
    const told: string[] = []
    const second = await caption(picture(7), (event) => told.push(event.stage))
    const later = engineOn(tableInMemory(table), () => Promise.resolve(SYNTHETIC))
    await load(later)
    const third = await later.answer(captionOf(picture(7)), unheard, never)
    await later.unload()
    expect(pictures.reads()).toBe(1)
    expect(told).toEqual(['writing', 'writing', 'writing'])
    for (const { look, tokenIds } of [second, third]) {
      expect(look).toEqual({ width: 8, height: 4, photograph: false, outside: null, readMs: 0, lookMs: 0 })
      expect(tokenIds).toEqual(first.tokenIds)
    }
  })

  it('shares its picture with others that are under way, and each gets its words', async () => {
    const alone = await caption(picture(5))
    await engine.forget({ pictureIds: [picture(5).id] })
    const all = await Promise.all([caption(picture(5)), caption(picture(6)), caption(picture(5))])
    expect(pictures.reads()).toBe(3)
    expect(all[0].tokenIds).toEqual(alone.tokenIds)
    expect(all[2].tokenIds).toEqual(alone.tokenIds)
  })

  it('that is stopped while it waits, looks or writes keeps what was written', async () => {
    const open = pictures.hold()
    const stops = [new AbortController(), new AbortController()]
    const looking = caption(picture(1), unheard, stops[0]?.signal)
    const waiting = caption(picture(2), unheard, stops[1]?.signal)
    for (const stop of stops) stop.abort()
    for (const stopped of await Promise.all([looking, waiting]))
      expect(stopped).toMatchObject({ text: '', tokenIds: [], finish: 'stopped', look: null, decodeMs: 0 })
    open()
    const third = new AbortController()
    const writing = await engine.answer(
      captionOf(picture(3), 50),
      (event) => event.stage === 'writing' && event.tokens === 2 && third.abort(),
      third.signal,
    )
    expect(writing).toMatchObject({ finish: 'stopped', look: { width: 8 } })
    expect(writing.tokenIds).toHaveLength(2)
    expect((await caption(picture(3))).tokenIds).toHaveLength(3)
    // The stopped look was given up, the waiting one never begun.
    expect([...table.keys()].map((key) => key.slice(0, 9))).toEqual(['picture 3'])
  })

  it('fails with what is wrong with its picture, and the next one does not', async () => {
    const bad = { id: 'bad', image: new Blob([]) }
    vi.spyOn(bad.image, 'arrayBuffer').mockRejectedValue(new AppError('bad-image', 'No picture.'))
    await expect(caption(bad)).rejects.toMatchObject({ code: 'bad-image' })
    expect((await caption(picture(1))).tokenIds).toHaveLength(3)
  })

  it('is looked for again by another model that took the place of the one that looked', async () => {
    const open = pictures.hold()
    const first = caption(picture(1))
    await vi.waitFor(() => expect(pictures.reads()).toBe(1))
    pack = OTHER
    const loading = load(engine)
    const second = caption(picture(1))
    open()
    await Promise.all([first, loading])
    expect((await second).tokenIds).toEqual((await first).tokenIds)
    expect(pictures.reads()).toBe(2)
    expect(table.size).toBe(2)
  })
})

describe('a look ahead', () => {
  const look = (
    source: PictureSource,
    report: (event: LookProgress) => void = unheard,
    signal = never,
  ): ReturnType<Engine['look']> => engine.look(source, report, signal)

  it('is shared with an answer that comes meanwhile, which hears how far it is', async () => {
    const open = pictures.hold()
    const ahead = look(picture(1))
    await vi.waitFor(() => expect(pictures.reads()).toBe(1))
    const told: string[] = []
    const answer = caption(picture(1), (event) => told.push(event.stage))
    open()
    expect((await answer).look).toEqual(await ahead)
    expect(pictures.reads()).toBe(1)
    expect(told.slice(0, 3)).toEqual(['reading', 'looking', 'writing'])
  })

  it('is cut off by an answer about another picture when it is under way', async () => {
    const open = pictures.hold()
    const ahead = look(picture(1))
    const refused = expect(ahead).rejects.toMatchObject({ code: 'cancelled' })
    await vi.waitFor(() => expect(pictures.reads()).toBe(1))
    const answer = caption(picture(2))
    open()
    await refused
    await answer
    expect(table.size).toBe(1)
    expect((await look(picture(1))).lookMs).toBeGreaterThan(0)
  })

  it('that has not begun waits behind answers that were asked for later', async () => {
    const order: string[] = []
    const open = pictures.hold()
    const first = caption(picture(1))
    const ahead = look(picture(2)).then(() => order.push('look'))
    const answer = caption(picture(3)).then(() => order.push('answer'))
    open()
    await Promise.all([first, ahead, answer])
    expect(order).toEqual(['answer', 'look'])
  })

  it('goes on for an answer when whoever wanted it first has left', async () => {
    const open = pictures.hold()
    const stop = new AbortController()
    const ahead = look(picture(1), unheard, stop.signal)
    await vi.waitFor(() => expect(pictures.reads()).toBe(1))
    const answer = caption(picture(1))
    stop.abort()
    await expect(ahead).rejects.toMatchObject({ code: 'cancelled' })
    open()
    expect((await answer).tokenIds).toHaveLength(3)
    expect(pictures.reads()).toBe(1)
  })

  it('cancelled and wanted again at once begins anew', async () => {
    const open = pictures.hold()
    const stop = new AbortController()
    const ahead = look(picture(1), unheard, stop.signal)
    await vi.waitFor(() => expect(pictures.reads()).toBe(1))
    stop.abort()
    await expect(ahead).rejects.toMatchObject({ code: 'cancelled' })
    const again = look(picture(1))
    open()
    expect((await again).lookMs).toBeGreaterThan(0)
  })
})

describe('what was seen', () => {
  it('is forgotten with its picture, of every model, and looked for again', async () => {
    for (const shade of [1, 2]) await caption(picture(shade))
    table.set(`${picture(1).id} of another model`, [...table.values()][0] ?? expect.fail('Nothing is kept.'))
    await engine.forget({ pictureIds: [picture(1).id] })
    expect([...table.keys()].map((key) => key.slice(0, 9))).toEqual(['picture 2'])
    expect((await caption(picture(1))).look?.lookMs).toBeGreaterThan(0)
  })

  it.each<[string, Partial<Table<Seen>>]>([
    ['cannot be written', { set: () => Promise.reject(new DOMException('full', 'QuotaExceededError')) }],
    [
      'cannot be used at all',
      {
        get: () => {
          throw new ReferenceError('indexedDB is not defined')
        },
        set: () => Promise.reject(new DOMException('blocked', 'SecurityError')),
        keys: () => Promise.reject(new DOMException('blocked', 'SecurityError')),
      },
    ],
  ])('is kept in memory where storage %s', async (_, broken) => {
    await engine.unload()
    engine = engineOn({ ...tableInMemory(table), ...broken }, () => Promise.resolve(SYNTHETIC))
    await load(engine)
    const first = await caption(picture(1))
    for (const shade of [2, 3]) await caption(picture(shade))
    expect(await caption(picture(1))).toMatchObject({ tokenIds: first.tokenIds, look: { lookMs: 0 } })
    expect(pictures.reads()).toBe(3)
    await engine.forget({ pictureIds: [picture(1).id] })
    expect((await caption(picture(1))).look?.lookMs).toBeGreaterThan(0)
  })
})

describe('a model', () => {
  it('that is not there is said to be missing by everything that needs one', async () => {
    await engine.unload()
    await expect(caption(picture(1))).rejects.toMatchObject({ code: 'bug' })
    await expect(engine.changeMemory({ memory: 'spare' })).rejects.toMatchObject({ code: 'bug' })
    expect(await engine.forget({ pictureIds: ['x'] })).toBe(null)
  })

  it('gives way to another only when what it writes is done', async () => {
    const order: string[] = []
    const answer = caption(picture(1)).then(() => order.push('answer'))
    const loading = load(engine).then(() => order.push('load'))
    await Promise.all([answer, loading])
    expect(order).toEqual(['answer', 'load'])
  })

  it('whose loading is cancelled or fails leaves nothing behind, and the next is loaded', async () => {
    let pack: () => Promise<PackReader> = () => Promise.reject(new AppError('network', 'No connection.'))
    const other = engineOn(tableInMemory(), () => pack())
    await expect(load(other)).rejects.toMatchObject({ code: 'network' })
    const stop = new AbortController()
    pack = () => {
      stop.abort()
      return Promise.resolve(SYNTHETIC)
    }
    await expect(load(other, stop.signal)).rejects.toMatchObject({ code: 'cancelled' })
    pack = () => Promise.resolve(SYNTHETIC)
    expect((await load(other)).manifest.name).toBe('synthetic tiny')
    await other.unload()
  })
})

describe('a caption of several that is stopped while its picture is looked at', () => {
  const row = (signal: AbortSignal): ReturnType<Engine['answer']> =>
    engine.answer({ ...captionOf(picture(7)), together: true }, unheard, signal)

  /** Lets go of the model behind it; `open` ends what holds the look up. */
  async function expectInOrder(stopped: ReturnType<Engine['answer']>, open: () => void): Promise<void> {
    expect(await stopped).toMatchObject({ answers: [] })
    const ended: string[] = []
    const unloaded = engine.unload().then(() => ended.push('unloaded'))
    // Long enough for it to be let go of, if it were.
    await new Promise((resolve) => setTimeout(resolve, 50))
    ended.push('looked')
    open()
    await unloaded
    expect(ended).toEqual(['looked', 'unloaded'])
  }

  it('keeps the model until that look is not under way any more', async () => {
    const open = pictures.hold()
    const stop = new AbortController()
    const stopped = row(stop.signal)
    await vi.waitFor(() => expect(pictures.reads()).toBe(1))
    stop.abort()
    await expectInOrder(stopped, open)
  })

  it('keeps it, too, where another model had looked before', async () => {
    const open = pictures.hold()
    const ahead = engine.look(picture(7), unheard, never)
    await vi.waitFor(() => expect(pictures.reads()).toBe(1))
    const openAgain = pictures.hold()
    pack = OTHER
    const loaded = load(engine)
    const stop = new AbortController()
    const stopped = row(stop.signal)
    open()
    await ahead
    await loaded
    await vi.waitFor(() => expect(pictures.reads()).toBe(2))
    stop.abort()
    await expectInOrder(stopped, openAgain)
  })
})

describe('weights that are hashed when the model is loaded', () => {
  const found = (...all: ('good' | 'mended')[]): LaterCheck => ({
    next: () => Promise.resolve(all.shift() ?? 'done'),
  })

  /** The first chunk turns out to be bad, and was fetched again, when `bad` is called. */
  const heldCheck = (): { later: LaterCheck; bad: () => void } => {
    let bad = unheard
    const all: Promise<'mended' | 'done'>[] = [
      new Promise((resolve) => {
        bad = () => resolve('mended')
      }),
    ]
    return { later: { next: () => all.shift() ?? Promise.resolve('done') }, bad: () => bad() }
  }

  it('and are as they should be, change nothing', async () => {
    pack = { ...SYNTHETIC, later: found('good', 'good') }
    await load(engine)
    expect(await engine.untilChecked()).toBeNull()
    expect((await caption(picture(7))).finish).toBe('limit')
  })

  it('and are bad, take back the model and what it saw, in a sentence, and it can be loaded again', async () => {
    const { later, bad } = heldCheck()
    pack = { ...SYNTHETIC, later }
    await load(engine)
    await caption(picture(7))
    expect(table.size).toBe(1)
    bad()
    const checked = await engine.untilChecked()
    expect(checked).toMatchObject({ mended: true, failure: { code: 'corrupt' } })
    expect(liveTensorCount()).toBe(0)
    expect(table.size).toBe(0)
    await expect(caption(picture(7))).rejects.toThrow(checked?.failure.message)
    pack = SYNTHETIC
    await load(engine)
    expect((await caption(picture(7))).finish).toBe('limit')
  })

  it('and are bad, take back what the model saw even where it cannot be let go of in order, and say so', async () => {
    const { later, bad } = heldCheck()
    pack = { ...SYNTHETIC, later }
    await load(engine)
    await caption(picture(7))
    const dispose = OnDemandSession.prototype.dispose
    vi.spyOn(OnDemandSession.prototype, 'dispose').mockImplementationOnce(async function (
      this: OnDemandSession,
    ) {
      await dispose.call(this)
      throw new Error('The device refuses.')
    })
    bad()
    const checked = await engine.untilChecked()
    expect(checked).toMatchObject({ mended: true, failure: { code: 'corrupt' } })
    expect(table.size).toBe(0)
    await expect(caption(picture(7))).rejects.toThrow(checked?.failure.message)
  })
})

describe('a conversation', () => {
  let talking: Engine
  beforeEach(async () => {
    const reader = await openPackFolder('public/models/drawn-scenes')
    talking = engineOn(tableInMemory(), () => Promise.resolve(reader))
    await load(talking)
  })
  afterEach(() => talking.unload())

  const ask = (
    source: PictureSource,
    question: string,
    earlier: { question: string; answer: string }[] = [],
  ): ReturnType<Engine['answer']> => {
    const asked = { kind: 'question', question, earlier, template: 'Question: {question} Answer:' } as const
    return talking.answer({ picture: source, asked, settings: GREEDY }, unheard, never)
  }

  it('is read as far as it is new, by turns about two pictures', async () => {
    const question = 'what color is the background?'
    const first = await ask(picture(1), question)
    const other = await ask(picture(200), question)
    for (const [source, { text, prefilled }] of [
      [picture(1), first],
      [picture(200), other],
    ] as const) {
      expect(text).not.toBe('')
      const next = await ask(source, 'how many objects are there?', [{ question, answer: text }])
      expect(next.prefilled).toBeLessThan(prefilled)
    }
    // A third takes the place of the one that was talked about least lately.
    await ask(picture(3), question)
    expect((await ask(picture(200), question)).prefilled).toBe(1)
    expect((await ask(picture(1), question)).prefilled).toBe(first.prefilled)
  })
})
