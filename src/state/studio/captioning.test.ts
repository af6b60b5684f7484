import { describe, expect, it, vi } from 'vitest'
import { AppError } from '../../pack/failure.ts'
import { GREEDY } from '../../pack/decoding.ts'
import { captionOf } from '../../studio/caption.ts'
import { CAPTIONS_TOGETHER } from '../../protocol/engine-calls.ts'
import { PLAIN } from '../../studio/compose.ts'
import type { RunSettings } from '../../studio/project.ts'
import {
  ANSWERED,
  fakeBrowser,
  openPage,
  picture,
  type FakeBrowser,
  type FakePage,
} from '../../../testing/state/fake-browser.ts'
import { fakeFolder, studioIn } from '../../../testing/state/fake-studio.ts'

const SETTINGS: RunSettings = {
  target: 'caption',
  asked: { kind: 'caption', prompt: '' },
  decoding: GREEDY,
  existing: 'append',
  dress: PLAIN,
}

/** What the engine answers by itself. */
const ONE_BY_ONE: RunSettings = {
  ...SETTINGS,
  asked: { kind: 'question', question: 'What is it?', template: '{question}' },
}

const files = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      [`img${i + 1}.png`, `picture ${i + 1}`],
      [`img${i + 1}.txt`, `old ${i + 1}`],
    ]).flat() as [string, string][],
  )

function browserWith(count: number): FakeBrowser {
  const browser = fakeBrowser()
  browser.folders.set('holiday', fakeFolder('holiday', files(count)))
  return browser
}

/** As the engine says it of every question then. */
const NOT_LOADED = new AppError('bug', 'No model is loaded.')

/** Says of each picture what its file says, and an x, since the fake engine cannot see. */
function saysItsFile(page: FakePage): void {
  page.answer.mockImplementation(async ({ picture: { image } }, report) => {
    report({ stage: 'writing', text: 'a', tokens: 1 })
    const text = `said ${await image.text()}`
    return { ...ANSWERED, text, answers: [{ text, tokenIds: [1], score: -1 }] }
  })
}

/** Has each answer wait until its turn in the list is called; what is stopped rejects. */
function heldBack(page: FakePage): (() => void)[] {
  const say: (() => void)[] = []
  page.answer.mockImplementation(
    (_, report, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new AppError('cancelled', 'Stopped.')))
        report({ stage: 'writing', text: 'a', tokens: 1 })
        say.push(() => resolve(ANSWERED))
      }),
  )
  return say
}

async function opened(browser: FakeBrowser, options: Parameters<typeof openPage>[0] = {}): Promise<FakePage> {
  const page = openPage({ browser, ...options })
  saysItsFile(page)
  await page.store.getState().loadModel()
  await page.store.getState().studioActions.choose()
  return page
}

const studioOf = ({ store }: FakePage) => store.getState().studio
const captions = (page: FakePage): string[] => studioOf(page).pictures.map(captionOf)
const ended = (page: FakePage): Promise<void> =>
  vi.waitFor(() => expect(studioOf(page).project?.run?.status).toBe('ended'), { interval: 1 })

describe('a run over a folder', () => {
  it('captions its pictures in the order of people, beside what is there', async () => {
    const page = await opened(browserWith(11))
    expect(studioOf(page)).toMatchObject({ status: 'open', leftAside: 11, canWrite: true })
    await page.store.getState().studioActions.begin(SETTINGS)
    await ended(page)
    expect(captions(page)[1]).toBe('old 2, said picture 2')
    expect(captions(page)[10]).toBe('old 11, said picture 11')
    expect(page.answer).toHaveBeenCalledTimes(11)
    expect(studioOf(page).pictures[0]?.versions.map(({ by }) => by.kind)).toEqual(['file', 'model'])
  })

  it('puts what is of each picture into its prompt and around its caption', async () => {
    const page = await opened(browserWith(2))
    const dress = { trigger: '{folder}', prefix: '{name}: ', suffix: '' }
    const asked = { kind: 'caption', prompt: '{caption} is' } as const
    await page.store.getState().studioActions.begin({ ...SETTINGS, asked, dress, existing: 'overwrite' })
    await ended(page)
    expect(page.answer.mock.calls.map(([request]) => request.asked)).toEqual([
      { kind: 'caption', prompt: 'old 1 is' },
      { kind: 'caption', prompt: 'old 2 is' },
    ])
    expect(captions(page)[1]).toBe('holiday, img2: said picture 2')
  })

  it('looks at the next picture while the words about the last are written', async () => {
    const page = await opened(browserWith(3))
    await page.store.getState().studioActions.begin(ONE_BY_ONE)
    await ended(page)
    expect(page.answer.mock.calls.map(([{ together }]) => together)).toEqual([false, false, false])
    expect(page.look.mock.calls.map(([{ id }]) => id.split(' ').at(-1))).toEqual(['img2.png', 'img3.png'])
  })

  it('says in its row why a picture has no caption, and goes on', async () => {
    const page = await opened(browserWith(3))
    page.answer.mockRejectedValueOnce(new AppError('bad-image', 'This is no picture.'))
    page.answer.mockResolvedValueOnce({ ...ANSWERED, text: '', tokenIds: [2], answers: [] })
    await page.store.getState().studioActions.begin(SETTINGS)
    await ended(page)
    const [first, second, third] = studioOf(page).pictures
    expect(first?.failure).toEqual({ code: 'bad-image', message: 'This is no picture.' })
    expect(second?.failure?.code).toBe('no-words')
    expect(third && captionOf(third)).toBe('old 3, said picture 3')
  })

  it('tries a picture again that the device was lost with, and no other', async () => {
    const page = await opened(browserWith(2))
    page.answer.mockRejectedValueOnce(new AppError('device-lost', 'Gone.'))
    await page.store.getState().studioActions.begin(SETTINGS)
    await ended(page)
    expect(captions(page)).toEqual(['old 1, said picture 1', 'old 2, said picture 2'])
    expect(page.answer).toHaveBeenCalledTimes(3)
  })

  it('waits while it is paused, passes over what is skipped, and leaves the rest when it is ended', async () => {
    const page = await opened(browserWith(5))
    const { begin, pause, resume, skip, end } = page.store.getState().studioActions
    const waiting = heldBack(page)
    const asked = (count: number): Promise<void> =>
      vi.waitFor(() => expect(waiting).toHaveLength(count), { interval: 1 })
    await begin(ONE_BY_ONE)
    await asked(1)
    skip()
    await asked(2)
    waiting[1]?.()
    await asked(3)
    await pause()
    expect(studioOf(page).run).toMatchObject({ status: 'paused', done: 2, total: 5 })
    await resume()
    await asked(4)
    waiting[3]?.()
    await asked(5)
    await end()
    expect(captions(page)).toEqual(['old 1', 'old 2, a cat', 'old 3, a cat', 'old 4', 'old 5'])
    expect(studioOf(page).run).toBeNull()
  })

  it('asks about as many pictures together as the engine can take, and halts all of them', async () => {
    const page = await opened(browserWith(15))
    const { begin, pause, resume, skip, end } = page.store.getState().studioActions
    const say = heldBack(page)
    const asked = (count: number): Promise<void> =>
      vi.waitFor(() => expect(say).toHaveLength(count), { interval: 1 })
    await begin(SETTINGS)
    await asked(CAPTIONS_TOGETHER)
    expect(page.answer.mock.calls.every(([{ together }]) => together)).toBe(true)
    expect(studioOf(page).run).toMatchObject({ path: 'img1.png', text: 'a', done: 0 })
    // The second is there before the first.
    say[1]?.()
    await asked(CAPTIONS_TOGETHER + 1)
    expect(studioOf(page).run).toMatchObject({ path: 'img1.png', done: 1 })
    skip()
    await asked(CAPTIONS_TOGETHER + 2)
    expect(studioOf(page).run).toMatchObject({ path: 'img3.png', done: 2 })
    await pause()
    await resume()
    await asked(2 * CAPTIONS_TOGETHER + 2)
    await end()
    expect(captions(page).filter((text) => text.endsWith('a cat'))).toEqual(['old 2, a cat'])
    expect(studioOf(page).pictures.filter(({ failure }) => failure !== null)).toEqual([])
  })

  it('finds out which picture a model went with, and fails no other', async () => {
    const page = await opened(browserWith(CAPTIONS_TOGETHER + 4))
    const said = page.answer.getMockImplementation()
    page.answer.mockImplementation(async (request, ...rest) => {
      const text = await request.picture.image.text()
      if (
        text === 'picture 3' ||
        (request.together === true && page.answer.mock.calls.length <= CAPTIONS_TOGETHER)
      )
        throw new AppError('device-lost', 'Gone.')
      return said === undefined ? ANSWERED : said(request, ...rest)
    })
    await page.store.getState().studioActions.begin(SETTINGS)
    await ended(page)
    const failed = studioOf(page).pictures.filter(({ failure }) => failure !== null)
    expect(failed.map(({ path }) => path)).toEqual(['img3.png'])
    const together = page.answer.mock.calls.map(([request]) => request.together)
    // All at once, then each of them by itself, the third twice, and the rest together again.
    const expected = [
      ...Array<boolean>(CAPTIONS_TOGETHER).fill(true),
      ...Array<boolean>(CAPTIONS_TOGETHER + 1).fill(false),
    ]
    expect(together).toEqual([...expected, true, true, true, true])
  })

  it('comes behind what is asked in conversations, in the one queue of the page', async () => {
    const page = await opened(browserWith(13))
    const order: string[] = []
    const said = page.answer.getMockImplementation()
    page.answer.mockImplementation(async (request, ...rest) => {
      order.push(request.picture.id.startsWith('studio') ? 'studio' : 'talk')
      if (order.length === 1) page.store.getState().addImages([picture('a')])
      return said === undefined ? ANSWERED : said(request, ...rest)
    })
    await page.store.getState().studioActions.begin(SETTINGS)
    await ended(page)
    // Behind those that were under way.
    expect(order.indexOf('talk')).toBe(CAPTIONS_TOGETHER)
    expect(order).toHaveLength(14)
  })

  it('asks about no picture twice, however fast people skip or begin', async () => {
    const page = await opened(browserWith(5))
    const { begin, skip } = page.store.getState().studioActions
    const say = heldBack(page)
    await Promise.all([begin(SETTINGS), begin({ ...SETTINGS, existing: 'overwrite' })])
    await vi.waitFor(() => expect(say).toHaveLength(5), { interval: 1 })
    skip()
    skip()
    for (const end of say) end()
    await ended(page)
    expect(say).toHaveLength(5)
    expect(captions(page)).toEqual(['old 1', 'old 2', 'old 3, a cat', 'old 4, a cat', 'old 5, a cat'])
  })

  it('lets go of the model at once, goes on with the next, and says which one wrote what', async () => {
    const page = await opened(browserWith(2))
    const { store } = page
    const say = heldBack(page)
    await store.getState().studioActions.begin(SETTINGS)
    await vi.waitFor(() => expect(say).toHaveLength(2), { interval: 1 })
    await store.getState().unloadModel()
    expect(studioOf(page)).toMatchObject({ run: { status: 'running', done: 0 } })
    expect(studioOf(page).pictures[0]?.failure).toBeNull()
    saysItsFile(page)
    await store.getState().loadModel()
    await ended(page)
    expect(captions(page)).toEqual(['old 1, said picture 1', 'old 2, said picture 2'])
  })

  it('asks about nothing more once its model goes, though a caption is still being kept', async () => {
    const browser = browserWith(CAPTIONS_TOGETHER + 3)
    const { library } = studioIn(browser, () => 'id')
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    const isKept = vi.fn<(texts: string[]) => Promise<void>>().mockResolvedValue(undefined)
    const page = await opened(browser, {
      studio: {
        library: {
          ...library,
          keepPictures: async (id, pictures) => {
            await isKept(pictures.map(captionOf))
            return library.keepPictures(id, pictures)
          },
        },
      },
    })
    const { store } = page
    const say = heldBack(page)
    await store.getState().studioActions.begin(SETTINGS)
    await vi.waitFor(() => expect(say).toHaveLength(CAPTIONS_TOGETHER), { interval: 1 })
    isKept.mockReset().mockReturnValueOnce(released).mockResolvedValue(undefined)
    say[0]?.()
    await vi.waitFor(() => expect(isKept).toHaveBeenCalledWith(['old 1, a cat']), { interval: 1 })
    await store.getState().unloadModel()
    const asked = page.answer.mockClear().mockRejectedValue(NOT_LOADED)
    release()
    await vi.waitFor(() => expect(studioOf(page).run?.done).toBe(1), { interval: 1 })
    await new Promise((resolve) => setTimeout(resolve))
    expect(asked).not.toHaveBeenCalled()
    saysItsFile(page)
    await store.getState().loadModel()
    await ended(page)
    expect(captions(page)).toEqual([
      'old 1, a cat',
      ...Array.from({ length: CAPTIONS_TOGETHER + 2 }, (_, i) => `old ${i + 2}, said picture ${i + 2}`),
    ])
  })

  it('asks about no picture whose file is there only when its model has gone', async () => {
    const browser = fakeBrowser()
    const folder = fakeFolder('holiday', files(2))
    let opening: () => Promise<void> = () => Promise.resolve()
    const list: typeof folder.list = async (options) =>
      (await folder.list(options)).map(({ path, open }) => ({ path, open: () => opening().then(open) }))
    browser.folders.set('holiday', { ...folder, list })
    const page = await opened(browser)
    const { store } = page
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    const isOpened = vi.fn<() => Promise<void>>().mockReturnValue(released)
    opening = isOpened
    await store.getState().studioActions.begin(SETTINGS)
    await vi.waitFor(() => expect(isOpened).toHaveBeenCalledTimes(2), { interval: 1 })
    await store.getState().unloadModel()
    page.answer.mockRejectedValue(NOT_LOADED)
    release()
    await new Promise((resolve) => setTimeout(resolve))
    expect(page.answer).not.toHaveBeenCalled()
    saysItsFile(page)
    await store.getState().loadModel()
    await ended(page)
    expect(captions(page)).toEqual(['old 1, said picture 1', 'old 2, said picture 2'])
  })

  it('settles no picture twice that is captioned once more while the run is at it', async () => {
    const page = await opened(browserWith(CAPTIONS_TOGETHER + 1))
    const { begin, again, pause, resume } = page.store.getState().studioActions
    const say = heldBack(page)
    const asked = (count: number): Promise<void> =>
      vi.waitFor(() => expect(say).toHaveLength(count), { interval: 1 })
    await begin(SETTINGS)
    await asked(CAPTIONS_TOGETHER)
    again('img1.png', SETTINGS)
    for (const end of [...say]) end()
    await asked(CAPTIONS_TOGETHER + 1)
    expect(captions(page)[0]).toBe('old 1, a cat')
    say.at(-1)?.()
    await asked(CAPTIONS_TOGETHER + 2)
    expect(captions(page)[0]).toBe('a cat')
    await pause()
    saysItsFile(page)
    await resume()
    await ended(page)
    expect(captions(page)[0]).toBe('a cat')
    expect(captions(page).at(-1)).toBe('old 11, said picture 11')
  })

  it('leaves no picture that is captioned by itself to the next folder', async () => {
    const browser = browserWith(2)
    const page = await opened(browser)
    const { again, close, open } = page.store.getState().studioActions
    const say = heldBack(page)
    again('img1.png', SETTINGS)
    again('img1.png', SETTINGS)
    again('img2.png', SETTINGS)
    await vi.waitFor(() => expect(say).toHaveLength(1), { interval: 1 })
    await close()
    await open(fakeFolder('other', files(2)))
    say[0]?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(say).toHaveLength(1)
    expect(captions(page)).toEqual(['old 1', 'old 2'])
  })

  it('is one page’s', async () => {
    const browser = browserWith(1)
    await opened(browser)
    const other = await opened(browser, {})
    expect(studioOf(other)).toMatchObject({ status: 'closed', failure: { code: 'busy' } })
  })
})

/** Keeps until the given call, with which the page dies: before the disk has it, or right behind. */
function dyingAt(
  browser: FakeBrowser,
  call: number,
  isKept: boolean,
): { studio: ReturnType<typeof studioIn>; dead: Promise<void> } {
  const studio = studioIn(browser, () => `id ${call}`)
  let calls = 0
  let die: () => void = () => undefined
  const dead = new Promise<void>((resolve) => (die = resolve))
  const never = new Promise<never>(() => undefined)
  const dying = async <T>(keep: () => Promise<T>): Promise<T> => {
    calls += 1
    if (calls > call) return never
    if (calls < call) return keep()
    if (isKept) await keep()
    die()
    return never
  }
  const { library } = studio
  return {
    dead,
    studio: {
      ...studio,
      // What it held is free when it is dead.
      locks: { ifFree: (_, work) => work() },
      library: {
        ...library,
        keepProject: (project) => dying(() => library.keepProject(project)),
        keepPictures: (id, pictures) => dying(() => library.keepPictures(id, pictures)),
      },
    },
  }
}

it('A run that dies at any moment is gone on with, and neither loses nor repeats a caption', async () => {
  // The third keeps that the run has begun, the tenth that it has ended.
  for (let call = 3; call <= 10; call += 1) {
    for (const isKept of [false, true]) {
      const browser = browserWith(6)
      const { studio, dead } = dyingAt(browser, call, isKept)
      const first = await opened(browser, { studio })
      const begun = first.store.getState().studioActions.begin(SETTINGS)
      await Promise.race([dead, begun.then(() => ended(first))])
      const second = openPage({ browser, studio: { locks: { ifFree: (_, work) => work() } } })
      saysItsFile(second)
      await second.store.getState().studioActions.restore()
      // Before the run was kept nothing had begun, and nobody goes on with what has ended.
      if ((call === 3 && !isKept) || (call === 10 && isKept)) {
        expect(studioOf(second).status).toBe('closed')
        continue
      }
      await second.store.getState().loadModel()
      await ended(second)
      expect(captions(second), `died at call ${call}`).toEqual(
        Array.from({ length: 6 }, (_, i) => `old ${i + 1}, said picture ${i + 1}`),
      )
    }
  }
})
