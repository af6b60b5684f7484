import { describe, expect, it, vi } from 'vitest'
import type { MemoryReport } from '../pack/device-report.ts'
import { shownTurns, type AnswerState, type Conversation } from '../conversation/conversation.ts'
import type { StoredPicture } from '../conversation/library.ts'
import { AppError, type Failure } from '../pack/failure.ts'
import type {
  Answered,
  AnswerProgress,
  AnswerRequest,
  EngineCalls,
  LoadedModel,
  Looked,
  LookProgress,
} from '../protocol/engine-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import type { MeasureDevice } from './measure-slice.ts'
import { photographsAmong } from './conversation-slice.ts'
import { createAppStore, type AppStore } from './store.ts'

const LOOKED: Looked = { width: 2, height: 2, photograph: false, readMs: 1, lookMs: 1 }
const ANSWERED: Answered = {
  text: 'a cat',
  tokenIds: [5, 6],
  answers: [{ text: 'a cat', tokenIds: [5, 6], score: -1 }],
  finish: 'end',
  prefilled: 3,
  dropped: 0,
  prefillMs: 1,
  decodeMs: 1,
  look: LOOKED,
}
const OF_A_PHOTOGRAPH: Answered = { ...ANSWERED, look: { ...LOOKED, photograph: true } }

function loaded(hash: string): LoadedModel {
  const files = ['vision.weights', 'q-former.weights'].map((path) => ({ path, chunks: [{ sha256: hash }] }))
  // The store looks at the hashes only and passes the rest on.
  return { loadMs: 1, manifest: { files } } as unknown as LoadedModel
}

type AnswerCall = (
  input: AnswerRequest,
  report: (event: AnswerProgress) => void,
  signal: AbortSignal,
) => Promise<Answered>

type LookCall = (
  input: EngineCalls['look']['in'],
  report: (event: LookProgress) => void,
  signal: AbortSignal,
) => Promise<Looked>
type ForgetCall = (input: EngineCalls['forget']['in']) => Promise<null>
type ChangeMemoryCall = (input: EngineCalls['changeMemory']['in']) => Promise<MemoryReport>

interface Fake {
  store: AppStore
  load: ReturnType<typeof vi.fn<() => Promise<LoadedModel>>>
  look: ReturnType<typeof vi.fn<LookCall>>
  changeMemory: ReturnType<typeof vi.fn<ChangeMemoryCall>>
  answer: ReturnType<typeof vi.fn<AnswerCall>>
  forget: ReturnType<typeof vi.fn<ForgetCall>>
  /** Makes the graphics device of the loaded model go away. */
  lose: (failure: Failure) => void
  kept: unknown[]
  library: { conversations: Map<string, Conversation>; pictures: Map<string, StoredPicture> }
  unload: ReturnType<typeof vi.fn<() => Promise<null>>>
  measureDevice: ReturnType<typeof vi.fn<MeasureDevice>>
  restarted: () => number
}

const LOST: Failure = { code: 'device-lost', message: 'The graphics device went away.' }

let ids = 0

function fake({ kept = [], library }: { kept?: unknown[]; library?: Fake['library'] } = {}): Fake {
  const shelf = library ?? { conversations: new Map(), pictures: new Map() }
  const load = vi.fn<() => Promise<LoadedModel>>().mockResolvedValue(loaded('one'))
  const look = vi.fn<LookCall>().mockResolvedValue(LOOKED)
  const changeMemory = vi.fn<ChangeMemoryCall>().mockResolvedValue({ keepsAll: false, why: 'Asked.' })
  const answer = vi.fn<AnswerCall>().mockResolvedValue(ANSWERED)
  const forget = vi.fn<ForgetCall>().mockResolvedValue(null)
  const unload = vi.fn<() => Promise<null>>().mockResolvedValue(null)
  const measureDevice = vi.fn<MeasureDevice>()
  let lose: (failure: Failure) => void = () => undefined
  const calls = {
    load: () => load(),
    untilLost: () => new Promise<Failure>((resolve) => (lose = resolve)),
    look: (input: EngineCalls['look']['in'], report: (event: LookProgress) => void, signal: AbortSignal) =>
      look(input, report, signal),
    changeMemory: (input: EngineCalls['changeMemory']['in']) => changeMemory(input),
    answer: (input: AnswerRequest, report: (event: AnswerProgress) => void, signal: AbortSignal) =>
      answer(input, report, signal),
    forget: (input: EngineCalls['forget']['in']) => forget(input),
    ping: () => Promise.resolve(null),
    unload: () => unload(),
  }
  const client = {
    call: (
      kind: keyof EngineCalls,
      input: never,
      { onEvent = () => undefined, signal = new AbortController().signal } = {},
    ) => calls[kind](input, onEvent, signal),
    fail: () => undefined,
  } as unknown as Client<EngineCalls>
  let restarts = 0
  let time = 0
  const store = createAppStore({
    engine: { client, restart: () => ((restarts += 1), client) },
    packs: {
      client: { call: () => new Promise(() => undefined), fail: () => undefined },
      persist: () => Promise.resolve(false),
      chooseFolder: () => Promise.resolve('none'),
      offerFile: () => undefined,
    },
    measureDevice,
    settings: { load: () => kept.at(-1), save: (settings) => void kept.push(settings) },
    conversations: {
      library: {
        conversations: () => Promise.resolve([...shelf.conversations.values()]),
        save: (one) => Promise.resolve(void shelf.conversations.set(one.id, one)),
        remove: (id) => Promise.resolve(void shelf.conversations.delete(id)),
        picture: (id) => Promise.resolve(shelf.pictures.get(id)),
        savePicture: (one) => Promise.resolve(void shelf.pictures.set(one.id, one)),
        removePicture: (id) => Promise.resolve(void shelf.pictures.delete(id)),
      },
      newId: () => `id${(ids += 1)}`,
      now: () => (time += 1),
    },
    builtInModelUrl: 'http://localhost/models/',
  })
  return {
    store,
    load,
    look,
    changeMemory,
    answer,
    forget,
    lose: (failure) => lose(failure),
    kept,
    library: shelf,
    unload,
    measureDevice,
    restarted: () => restarts,
  }
}

const picture = (name: string): { image: Blob; name: string } => ({ image: new Blob([name]), name })

/** The answers that are shown, in order. */
function answers(store: AppStore): AnswerState[] {
  const { conversations, currentId } = store.getState()
  const current = conversations.find(({ id }) => id === currentId)
  return current === undefined ? [] : shownTurns(current).flatMap((turn) => Object.values(turn.answers))
}

const statuses = (store: AppStore): string[] => answers(store).map(({ status }) => status)

async function withPicture(options: Parameters<typeof fake>[0] = {}): Promise<Fake> {
  const all = fake(options)
  await all.store.getState().loadModel()
  all.store.getState().addImages([picture('a.png')])
  await vi.waitFor(() => expect(statuses(all.store)).toEqual(['done']))
  return all
}

async function ask(store: AppStore, question: string): Promise<void> {
  store.getState().changeDraft(question)
  store.getState().send()
  await vi.waitFor(() => expect(new Set(statuses(store))).toEqual(new Set(['done'])))
}

describe('a conversation', () => {
  it('captions pictures one after the other, those that came before the model too', async () => {
    const { store, answer } = fake()
    store.getState().addImages([picture('a'), picture('b')])
    expect(answer).not.toHaveBeenCalled()
    await store.getState().loadModel()
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(store.getState().announcement).toBe('b: a cat')
  })

  it('hands the picture and earlier turns to the model', async () => {
    const { store, answer } = await withPicture()
    await ask(store, ' what is it? ')
    await ask(store, 'why?')
    const [request] = answer.mock.calls.at(-1) ?? []
    expect(request).toMatchObject({
      asked: {
        kind: 'question',
        question: 'why?',
        earlier: [{ question: 'what is it?', answer: 'a cat' }],
      },
    })
    expect(await request?.picture.image.text()).toBe('a.png')
    expect(store.getState().drafts).toEqual({ [store.getState().currentId ?? '']: '' })
  })

  it('survives a reload', async () => {
    const { library, answer } = await withPicture()
    const again = fake({ library })
    await again.store.getState().restoreConversations()
    await again.store.getState().loadModel()
    expect(statuses(again.store)).toEqual(['done'])
    await ask(again.store, 'why?')
    expect(again.answer.mock.calls.at(-1)?.[0].picture.id).toBe(answer.mock.calls[0]?.[0].picture.id)
  })

  it('keeps every version of a question and what followed it', async () => {
    const { store, answer } = await withPicture()
    await ask(store, 'what?')
    await ask(store, 'why?')
    const shown = (): (string | null)[] => {
      const { conversations, currentId } = store.getState()
      const current = conversations.find(({ id }) => id === currentId)
      return current === undefined ? [] : shownTurns(current).map(({ question }) => question)
    }
    const [, what] = store.getState().conversations[0]?.turns ?? []
    answer.mockResolvedValueOnce({ ...ANSWERED, text: 'a dog' })
    store.getState().askAgain(what?.id ?? '', 'which?')
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(shown()).toEqual([null, 'which?'])
    store.getState().showTurn(what?.id ?? '')
    expect(shown()).toEqual([null, 'what?', 'why?'])
    store.getState().deleteTurn(what?.id ?? '')
    expect(shown()).toEqual([null, 'which?'])
    store.getState().undo?.restore()
    expect(shown()).toEqual([null, 'what?', 'why?'])
  })

  it('asks the same question about every picture', async () => {
    const { store, answer } = fake()
    await store.getState().loadModel()
    store.getState().addImages([picture('a'), picture('b')])
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    await ask(store, 'what?')
    const asked = answer.mock.calls.map(([{ picture, asked }]) => [picture.id, asked.kind])
    expect(asked.map(([, kind]) => kind)).toEqual(['caption', 'caption', 'question', 'question'])
    expect(new Set(asked.map(([id]) => id)).size).toBe(2)
  })

  it('shows the text so far and keeps what was written before a failure', async () => {
    const { store, answer } = fake()
    const seen: string[] = []
    store.subscribe(() => {
      const [first] = answers(store)
      if (first?.status === 'writing') seen.push(first.text)
    })
    answer.mockImplementationOnce((_, report) => {
      report({ stage: 'writing', text: 'a', tokens: 1 })
      report({ stage: 'writing', text: 'a cat', tokens: 2 })
      return Promise.reject(new AppError('out-of-memory', 'Too large.'))
    })
    await store.getState().loadModel()
    store.getState().addImages([picture('a')])
    await vi.waitFor(() => expect(statuses(store)).toEqual(['failed']))
    expect(seen).toEqual(['a', 'a cat'])
    expect(answers(store)[0]).toMatchObject({ text: 'a cat', failure: { code: 'out-of-memory' } })
  })

  it('stops the answer under way and no other', async () => {
    const { store, answer } = fake()
    answer.mockImplementationOnce(
      (_, __, signal) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => resolve({ ...ANSWERED, finish: 'stopped' })),
        ),
    )
    await store.getState().loadModel()
    store.getState().addImages([picture('a'), picture('b')])
    await vi.waitFor(() => expect(answer).toHaveBeenCalled())
    store.getState().stop()
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(answers(store)).toMatchObject([{ facts: { finish: 'stopped' } }, { facts: { finish: 'end' } }])
  })

  it('is deleted with its pictures and comes back by undo', async () => {
    const { store, library, forget } = await withPicture()
    const id = store.getState().currentId ?? ''
    const pictureIds = [...library.pictures.keys()]
    store.getState().deleteConversation(id)
    await vi.waitFor(() => expect(library.pictures.size).toBe(0))
    expect(forget).toHaveBeenCalledWith({ pictureIds })
    expect(library.conversations.size).toBe(0)
    expect(store.getState().currentId).toBe(null)
    store.getState().undo?.restore()
    expect(statuses(store)).toEqual(['done'])
    expect([library.pictures.size, library.conversations.size]).toEqual([1, 1])
  })

  it('goes out as one file and comes back beside what is there', async () => {
    const { store } = await withPicture()
    await ask(store, 'what?')
    const file = await store.getState().exportAll()
    await store.getState().importFile(file)
    const [added, old] = store.getState().conversations
    expect(store.getState().conversations).toHaveLength(2)
    expect(added?.id).not.toBe(old?.id)
    expect(statuses(store)).toEqual(['done', 'done'])
    const [addedPicture] = added?.pictures ?? []
    expect(await store.getState().images[addedPicture?.id ?? '']?.text()).toBe('a.png')
    expect(
      await store
        .getState()
        .exportMarkdown(old?.id ?? '')
        .text(),
    ).toBe('# a.png: what?\n\na cat\n\n**what?**\n\na cat\n')
  })

  it.each([
    ['no JSON', 'hello'],
    ['another JSON', '{"format":"else"}'],
    ['a later version', '{"format":"pictalk-conversations","version":9}'],
    [
      'missing pictures',
      '{"format":"pictalk-conversations","version":1,"pictures":[],"conversations":[{"id":"x","pictures":[{"id":"p","name":"n"}],"turns":[]}]}',
    ],
    [
      'turns out of order',
      '{"format":"pictalk-conversations","version":1,"pictures":[],"conversations":[{"id":"x","pictures":[],"turns":[{"id":"a","parent":"b","question":null,"answers":{}}]}]}',
    ],
  ])('refuses to import %s, and loses nothing', async (_, text) => {
    const { store } = await withPicture()
    await store.getState().importFile(new Blob([text]))
    expect(store.getState().libraryFailure).toMatchObject({ code: 'bad-file' })
    expect(store.getState().conversations).toHaveLength(1)
  })
})

describe('a photograph', () => {
  const beyond = (store: AppStore): number => {
    const { conversations, settings } = store.getState()
    return photographsAmong(conversations[0]?.pictures ?? [], settings).length
  }

  it('is beyond the built-in model, which is said aloud once, and not beyond another', async () => {
    const { store, answer } = fake()
    answer.mockImplementation(async ({ picture: { image } }) =>
      (await image.text()) === 'a' ? OF_A_PHOTOGRAPH : ANSWERED,
    )
    const said: string[] = []
    store.subscribe(({ announcement }, before) => {
      if (announcement !== before.announcement) said.push(announcement)
    })
    await store.getState().loadModel()
    store.getState().addImages([picture('a'), picture('b')])
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    await ask(store, 'why?')
    const [first, ...later] = said
    expect(first).toMatch(/^a: a cat\. This looks like a photograph/)
    expect(later.join()).not.toContain('photograph')
    expect(beyond(store)).toBe(1)
    store.getState().changeSettings({ model: 'kept' })
    expect(beyond(store)).toBe(0)
  })

  it('is still known as one after a reload, and in another browser', async () => {
    const first = fake()
    first.answer.mockResolvedValueOnce(OF_A_PHOTOGRAPH)
    await first.store.getState().loadModel()
    first.store.getState().addImages([picture('a')])
    await vi.waitFor(() => expect(statuses(first.store)).toEqual(['done']))
    const again = fake({ library: first.library })
    await again.store.getState().restoreConversations()
    expect(beyond(again.store)).toBe(1)
    const elsewhere = fake()
    await elsewhere.store.getState().importFile(await first.store.getState().exportAll())
    expect(beyond(elsewhere.store)).toBe(1)
  })

  it('that was kept before this was looked for is known when a model looks at it again', async () => {
    const { library } = await withPicture()
    for (const [id, one] of library.conversations)
      library.conversations.set(id, { ...one, pictures: one.pictures.map(({ id, name }) => ({ id, name })) })
    const { store, load, answer } = fake({ library })
    load.mockResolvedValue(loaded('two'))
    answer.mockResolvedValueOnce(OF_A_PHOTOGRAPH)
    await store.getState().restoreConversations()
    await store.getState().loadModel()
    expect(beyond(store)).toBe(0)
    await ask(store, 'why?')
    expect(beyond(store)).toBe(1)
  })
})

describe('a suggested question', () => {
  it('is asked at once and leaves alone what is being typed', async () => {
    const { store, answer } = await withPicture()
    store.getState().changeDraft('half a que')
    store.getState().ask('How many?')
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(answer.mock.calls.at(-1)?.[0].asked).toMatchObject({ question: 'How many?' })
    expect(Object.values(store.getState().drafts)).toEqual(['half a que'])
  })

  it('has nobody to answer it before there is a picture', () => {
    const { store } = fake()
    store.getState().ask('How many?')
    expect(store.getState().conversations).toEqual([])
  })
})

describe('a picture that the model has not seen', () => {
  /** A conversation that was kept, before another model. */
  async function unseen(): Promise<Fake> {
    const { library } = await withPicture()
    const again = fake({ library })
    again.load.mockResolvedValue(loaded('two'))
    await again.store.getState().restoreConversations()
    await again.store.getState().loadModel()
    return again
  }

  it('is looked at while the question is typed, once', async () => {
    const { store, look } = await unseen()
    store.getState().changeDraft(' ')
    store.getState().changeDraft('w')
    store.getState().changeDraft('wh')
    await vi.waitFor(() => expect(look).toHaveBeenCalledTimes(1))
    expect(statuses(store)).toEqual(['done'])
    await ask(store, 'why?')
    expect(look).toHaveBeenCalledTimes(1)
  })

  it('shows how far the look is that an answer waits for', async () => {
    const { store, answer } = await unseen()
    let finish: (answered: Answered) => void = () => undefined
    answer.mockImplementationOnce((_, report) => {
      report({ stage: 'opening', graph: 'vision' })
      return new Promise((resolve) => (finish = resolve))
    })
    store.getState().changeDraft('why?')
    store.getState().send()
    await vi.waitFor(() => expect(answers(store)[1]).toEqual({ status: 'opening', graph: 'vision' }))
    finish(ANSWERED)
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(answers(store)[1]).toMatchObject({ text: 'a cat', facts: { lookMs: 2 } })
  })

  it('may fail to be looked at ahead without a word', async () => {
    const { store, look } = await unseen()
    look.mockRejectedValueOnce(new AppError('out-of-memory', 'Too large.'))
    const { announcement } = store.getState()
    store.getState().changeDraft('why?')
    await vi.waitFor(() => expect(look).toHaveBeenCalledTimes(1))
    await new Promise((resolve) => setTimeout(resolve))
    expect(statuses(store)).toEqual(['done'])
    expect(store.getState()).toMatchObject({ announcement, libraryFailure: null })
  })

  it('is not looked at ahead while something is written', async () => {
    const { store, look, answer } = await withPicture()
    let end: (answered: Answered) => void = () => undefined
    answer.mockImplementationOnce(() => new Promise((resolve) => (end = resolve)))
    store.getState().changeDraft('why?')
    store.getState().send()
    await vi.waitFor(() => expect(answer).toHaveBeenCalledTimes(2))
    store.getState().changeDraft('and')
    end(ANSWERED)
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(look).not.toHaveBeenCalled()
  })
})

describe('what stays in memory', () => {
  it('is changed without loading anew, remembered, and told', async () => {
    const { store, load, changeMemory, kept } = fake()
    await store.getState().loadModel()
    await store.getState().changeMemory('spare')
    expect(changeMemory).toHaveBeenCalledWith({ memory: 'spare' })
    expect(load).toHaveBeenCalledTimes(1)
    expect(kept.at(-1)).toMatchObject({ memory: 'spare' })
    expect(store.getState().model).toMatchObject({
      loaded: { device: { memory: { keepsAll: false, why: 'Asked.' } } },
    })
  })

  it('follows when the model that is being loaded is ready', async () => {
    const { store, changeMemory } = fake()
    const loading = store.getState().loadModel()
    const changed = store.getState().changeMemory('spare')
    expect(changeMemory).not.toHaveBeenCalled()
    await Promise.all([loading, changed])
    expect(changeMemory).toHaveBeenCalledWith({ memory: 'spare' })
  })

  it('is a setting that the next model begins with when this one goes away', async () => {
    const { store, changeMemory } = fake()
    await store.getState().loadModel()
    changeMemory.mockRejectedValueOnce(new AppError('device-lost', LOST.message))
    await store.getState().changeMemory('keep')
    expect(store.getState().settings.memory).toBe('keep')
  })
})

describe('the model', () => {
  it('is reported failed with the sentence of the failure, and can be loaded again', async () => {
    const { store, load } = fake()
    load.mockRejectedValueOnce(new AppError('network', 'No connection.'))
    await store.getState().loadModel()
    expect(store.getState().model).toMatchObject({ status: 'failed', failure: { message: 'No connection.' } })
    await store.getState().loadModel()
    expect(store.getState().model.status).toBe('ready')
  })

  it('gets a fresh worker after the old one died', async () => {
    const { store, restarted } = fake()
    store.getState().engineDied({ code: 'out-of-memory', message: 'The thread stopped.' })
    await store.getState().loadModel()
    expect(restarted()).toBe(1)
    expect(store.getState().model.status).toBe('ready')
  })

  it('is rebuilt when the graphics device goes away; the half answer stays until it is asked for again', async () => {
    const { store, answer, lose, restarted } = await withPicture()
    answer.mockImplementationOnce((_, report) => {
      report({ stage: 'writing', text: 'half an', tokens: 2 })
      lose(LOST)
      return Promise.reject(new AppError('device-lost', LOST.message))
    })
    store.getState().changeDraft('what?')
    store.getState().send()
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'failed']))
    await vi.waitFor(() => expect(store.getState().model.status).toBe('ready'))
    expect(restarted()).toBe(1)
    expect(answers(store)[1]).toMatchObject({ text: 'half an' })
    const conversation = store.getState().conversations[0]
    store.getState().retry(conversation?.turns[1]?.id ?? '', conversation?.pictures[0]?.id ?? '')
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(store.getState().losses).toBe(0)
  })

  it('lets go of the old device on purpose when it changes, which is no loss', async () => {
    const { store, lose, load, restarted } = await withPicture()
    load.mockImplementationOnce(() => {
      lose(LOST)
      return Promise.resolve(loaded('two'))
    })
    await store.getState().changeModel('kept')
    await vi.waitFor(() => expect(store.getState().model.status).toBe('ready'))
    expect([restarted(), store.getState().losses]).toEqual([0, 0])
  })

  it('is the one that was wanted last, though another was being loaded', async () => {
    const { store, load } = fake()
    let finish: (model: LoadedModel) => void = () => undefined
    load.mockImplementationOnce(() => new Promise((resolve) => (finish = resolve)))
    const first = store.getState().loadModel()
    const second = store.getState().changeModel('kept')
    finish(loaded('one'))
    load.mockResolvedValueOnce(loaded('two'))
    await Promise.all([first, second])
    expect(load).toHaveBeenCalledTimes(2)
    expect(store.getState().model).toMatchObject({ status: 'ready', loaded: loaded('two') })
  })

  it('stops what it writes when it changes, and keeps the words', async () => {
    const { store, answer } = await withPicture()
    answer.mockImplementationOnce(
      (_, report, signal) =>
        new Promise((resolve) => {
          report({ stage: 'writing', text: 'half an', tokens: 2 })
          signal.addEventListener('abort', () => resolve({ ...ANSWERED, text: 'half an', finish: 'stopped' }))
        }),
    )
    store.getState().changeDraft('what?')
    store.getState().send()
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'writing']))
    await store.getState().changeModel('kept')
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(answers(store)[1]).toMatchObject({ text: 'half an', facts: { finish: 'stopped' } })
  })

  it('is not rebuilt again and again when no answer is finished in between', async () => {
    const { store, lose, load } = await withPicture()
    lose(LOST)
    await vi.waitFor(() => expect(load).toHaveBeenCalledTimes(2))
    await vi.waitFor(() => expect(store.getState().model.status).toBe('ready'))
    lose(LOST)
    await vi.waitFor(() => expect(store.getState().model.status).toBe('failed'))
    expect(store.getState().losses).toBe(2)
    expect(load).toHaveBeenCalledTimes(2)
  })
})

describe('settings', () => {
  it('are kept and restored', () => {
    const { store, kept } = fake()
    store.getState().changeSettings({ prompt: 'a photo of', theme: 'dark' })
    expect(kept.at(-1)).toMatchObject({ prompt: 'a photo of', theme: 'dark', preset: 'quick' })
    expect(fake({ kept }).store.getState().settings).toEqual(store.getState().settings)
  })

  it.each([
    ['no object', 'nonsense'],
    [
      'values of other kinds',
      {
        theme: 'plaid',
        prompt: 7,
        own: { beams: 0 },
        preset: 'x',
        template: 'y',
        prefer: 'magic',
        memory: 'little',
      },
    ],
  ])('fall back to the defaults where what was kept is %s', (_, kept) => {
    expect(fake({ kept: [kept] }).store.getState().settings).toEqual(fake().store.getState().settings)
  })

  it('hold for the visit where nothing can be kept', () => {
    const full: unknown[] = []
    full.push = () => {
      throw new DOMException('full', 'QuotaExceededError')
    }
    const { store } = fake({ kept: full })
    store.getState().changeSettings({ prompt: 'a photo of' })
    expect(store.getState().settings.prompt).toBe('a photo of')
  })
})

describe('measuring the device', () => {
  it('puts the model away first and loads it again afterwards', async () => {
    const { store, load, unload, measureDevice } = fake()
    await store.getState().loadModel()
    const order: string[] = []
    unload.mockImplementation(() => (order.push('unload'), Promise.resolve(null)))
    load.mockImplementation(() => (order.push('load'), Promise.resolve(loaded('one'))))
    const result = { load: { total: 3 } } as unknown as Awaited<ReturnType<MeasureDevice>>
    measureDevice.mockImplementation((request, { onStage }) => {
      order.push('measure')
      expect(request.pack).toEqual({ kind: 'web', url: 'http://localhost/models/' })
      onStage('decode')
      expect(store.getState().measuring).toEqual({ status: 'running', stage: 'decode' })
      return Promise.resolve(result)
    })
    await store.getState().measureDevice()
    expect(order).toEqual(['unload', 'measure', 'load'])
    expect(store.getState()).toMatchObject({
      measuring: { status: 'done', result },
      model: { status: 'ready' },
    })
  })

  it('can be cancelled, and fails in a sentence; the model comes back either way', async () => {
    const { store, measureDevice } = fake()
    await store.getState().loadModel()
    measureDevice.mockImplementation(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new AppError('cancelled', 'Cancelled.')))
        }),
    )
    const cancelled = store.getState().measureDevice()
    await vi.waitFor(() => expect(measureDevice).toHaveBeenCalledOnce())
    store.getState().cancelMeasuring()
    await cancelled
    expect(store.getState()).toMatchObject({ measuring: { status: 'idle' }, model: { status: 'ready' } })
    measureDevice.mockRejectedValue(new AppError('out-of-memory', 'Too little memory.'))
    await store.getState().measureDevice()
    expect(store.getState()).toMatchObject({
      measuring: { status: 'failed', failure: { code: 'out-of-memory' } },
      model: { status: 'ready' },
    })
  })
})
