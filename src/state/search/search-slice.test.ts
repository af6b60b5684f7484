import { beforeEach, describe, expect, it, vi } from 'vitest'
import { AppError } from '../../pack/failure.ts'
import type { FoundPicture, Rematch, SearchState } from '../../protocol/search-calls.ts'
import type { Client } from '../../protocol/rpc.ts'
import { fakeBrowser, openPage, settled } from '../../../testing/state/fake-browser.ts'
import type { AppStore } from '../store.ts'
import type { ComparingCalls } from './comparing.ts'

const found = (name: string): FoundPicture => ({
  ...{ key: name, source: 'folder', path: name, name, bytes: 1, date: 1, sha256: name },
  ...{ width: 1, height: 1, likeness: 0.5 },
})
const STATE: SearchState = { sources: [], pictures: 1, bytes: 1, otherBytes: 0 }

/** What is under way at the thread, to be settled by the test. */
interface Call {
  kind: keyof ComparingCalls
  input: unknown
  event: (event: unknown) => void
  signal: AbortSignal | undefined
  resolve: (out: unknown) => void
  reject: (error: Error) => void
}

let calls: Call[]
let died: () => void
let started: number
let sources: SearchState['sources']
/** Whether people might be asked, of each time that a folder was to be read. */
let asked: boolean[]
let store: AppStore

function under(kind: keyof ComparingCalls): Call {
  const call = calls.findLast((one) => one.kind === kind)
  if (call === undefined) throw new Error(`Nobody called ${kind}.`)
  return call
}

/** A thread whose lookups answer at once; indexing, finding and ranking wait for the test. */
function thread(): Client<ComparingCalls> {
  const atOnce = new Map<string, unknown>([
    ['choose', { manifest: { name: 'compares' }, key: 'key' }],
    ['searchState', { ...STATE, sources }],
    ['addFolder', 'id'],
    ['holdIndexing', null],
    ['removeSource', { ...STATE, pictures: 0 }],
  ])
  return {
    call: (kind, input, { onEvent, signal } = {}) =>
      new Promise((resolve, reject) => {
        const event = onEvent as Call['event'] | undefined
        calls.push({
          kind,
          input,
          event: event ?? (() => undefined),
          signal,
          resolve: resolve as Call['resolve'],
          reject,
        })
        if (atOnce.has(kind)) (resolve as Call['resolve'])(atOnce.get(kind))
      }),
    fail: () => undefined,
  }
}

beforeEach(() => {
  calls = []
  started = 0
  sources = []
  asked = []
  const page = openPage({
    browser: fakeBrowser(),
    search: {
      start: (ended) => {
        died = ended
        started += 1
        return thread()
      },
      builtInUrl: 'http://localhost/compares/',
      chooseFolder: () => Promise.resolve('none'),
      mayRead: (handle, { ask }) => {
        asked.push(ask)
        return Promise.resolve('mayRead' in handle)
      },
    },
  })
  store = page.store
})

const search = (): ReturnType<AppStore['getState']>['search'] => store.getState().search
const actions = (): ReturnType<AppStore['getState']>['searchActions'] => store.getState().searchActions

/** Search is visited, everything is shown, and the conversations are being indexed. */
async function visited(): Promise<void> {
  const visit = actions().visit()
  await vi.waitFor(() => under('find'))
  under('find').resolve({ pictures: [found('all')], ms: 1 })
  await visit
  await vi.waitFor(() => under('index'))
}

describe('search', () => {
  it('goes on with folders that may be read without asking, and with no other', async () => {
    const folder = (id: string, handle: object | null): SearchState['sources'][number] => ({
      ...{ id, kind: 'folder', name: id, pictures: 1, refused: 0, isHere: true },
      handle: handle as FileSystemDirectoryHandle | null,
    })
    sources = [folder('allowed', { mayRead: true }), folder('to be asked', {}), folder('lent', null)]
    await visited()
    await vi.waitFor(() => expect(search().waiting).toEqual(['allowed']))
    expect(asked).toEqual([false, false])
    under('index').resolve(null)
    await vi.waitFor(() => expect(search().indexing?.source).toBe('allowed'))
    await actions().update(sources[1] ?? folder('', null))
    expect(asked.at(-1)).toBe(true)
    expect(search().failure).toMatchObject({ code: 'forbidden' })
  })

  it('begins no thread before somebody wants it, and shows everything first', async () => {
    expect(started).toBe(0)
    await visited()
    expect(started).toBe(1)
    expect(search()).toMatchObject({ index: STATE, found: [found('all')], foundMs: null, status: 'idle' })
    expect(search().indexing).toEqual({ source: 'conversations', progress: null })
  })

  it('shows what was asked last, whatever comes late of what was asked before', async () => {
    await visited()
    void actions().find({ kind: 'words', text: 'cat' })
    await vi.waitFor(() => expect(under('find').input).toEqual({ kind: 'words', text: 'cat' }))
    const late = under('find')
    void actions().find({ kind: 'words', text: 'dog' })
    await vi.waitFor(() => expect(under('find').input).toEqual({ kind: 'words', text: 'dog' }))
    expect(late.signal?.aborted).toBe(true)
    under('find').resolve({ pictures: [found('dog')], ms: 2 })
    late.resolve({ pictures: [found('cat')], ms: 9 })
    await vi.waitFor(() => expect(under('rematch').input).toEqual({ text: 'dog', keys: ['dog'] }))
    expect(search()).toMatchObject({ found: [found('dog')], foundMs: 2, status: 'ranking' })
    const match: Rematch = { key: 'dog', match: 0.9, score: 2 }
    under('rematch').event(match)
    under('rematch').resolve([match])
    await vi.waitFor(() => expect(search().status).toBe('idle'))
    expect(search().matches.get('dog')).toEqual(match)
  })

  it('says what fails, and begins another thread when this one died', async () => {
    await visited()
    void actions().find({ kind: 'words', text: 'cat' })
    await vi.waitFor(() => expect(under('find').input).toEqual({ kind: 'words', text: 'cat' }))
    under('find').reject(new AppError('out-of-memory', 'No memory.'))
    await vi.waitFor(() => expect(search().failure?.code).toBe('out-of-memory'))
    died()
    void actions().find({ kind: 'all' })
    await vi.waitFor(() => expect(started).toBe(2))
    await vi.waitFor(() => expect(calls.filter(({ kind }) => kind === 'choose')).toHaveLength(2))
  })
})

describe('the model that searches', () => {
  it('is asked anew where another was chosen meanwhile', async () => {
    await visited()
    void actions().find({ kind: 'words', text: 'cat' })
    await vi.waitFor(() => expect(under('find').input).toEqual({ kind: 'words', text: 'cat' }))
    under('find').reject(new AppError('cancelled', 'Another model was chosen meanwhile.'))
    await vi.waitFor(() => expect(calls.filter(({ kind }) => kind === 'find')).toHaveLength(3))
    expect(search()).toMatchObject({ status: 'finding', failure: null })
  })
})

it('shows everything where the picture that others were to be like went with its folder', async () => {
  await visited()
  under('index').resolve({ done: 0, total: 0, refused: 0, secondsLeft: 0 })
  await settled()
  void actions().find({ kind: 'alike', key: 'all' })
  await vi.waitFor(() => expect(under('find').input).toEqual({ kind: 'alike', key: 'all' }))
  void actions().remove('folder')
  await vi.waitFor(() => expect(under('find').input).toEqual({ kind: 'all' }))
})

it('says so where the picture of an answer is not there any more', async () => {
  await store.getState().judgeFit('answer', 'gone', ['a cat'])
  expect(store.getState().fits['answer']).toMatchObject({ status: 'failed', failure: { code: 'not-found' } })
})

describe('indexing', () => {
  it('pauses, goes on with the same source first, and takes the next behind it', async () => {
    await visited()
    await actions().addFiles('folder', [])
    const first = under('index')
    first.event({ done: 1, total: 3, refused: 0, secondsLeft: 2 })
    expect(search().indexing?.progress?.done).toBe(1)
    actions().pause()
    expect(first.signal?.aborted).toBe(true)
    first.reject(new AppError('cancelled', 'Stopped.'))
    await vi.waitFor(() => expect(search()).toMatchObject({ indexing: null, paused: true }))
    expect(search().waiting[0]).toBe('conversations')
    actions().resume()
    await vi.waitFor(() => expect(search().indexing?.source).toBe('conversations'))
    await vi.waitFor(() => expect(calls.filter(({ kind }) => kind === 'index')).toHaveLength(2))
  })

  it('is held while this page writes an answer, whenever it began', async () => {
    const held = (): unknown[] =>
      calls.filter(({ kind }) => kind === 'holdIndexing').map(({ input }) => input)
    const progress = { stage: 'reading' } as const
    const writing = (tab: string): void =>
      store.setState({ underWay: { answer: { conversationId: 'c', tab, progress } } })
    await visited()
    expect(held()).toEqual([{ held: false }])
    writing('another page')
    writing(store.getState().tab)
    writing(store.getState().tab)
    await vi.waitFor(() => expect(held()).toEqual([{ held: false }, { held: true }]))
    under('index').resolve({ done: 1, total: 1, refused: 0, secondsLeft: 0 })
    await vi.waitFor(() => expect(search().indexing).toBeNull())
    await actions().addFiles('folder', [])
    await vi.waitFor(() => expect(held()).toEqual([{ held: false }, { held: true }, { held: true }]))
    store.setState({ underWay: {} })
    await vi.waitFor(() => expect(held().at(-1)).toEqual({ held: false }))
  })

  it('of any source ends before one is taken out, and goes on afterwards', async () => {
    await visited()
    const removing = actions().remove('folder')
    await settled()
    expect(calls.some(({ kind }) => kind === 'removeSource')).toBe(false)
    expect(under('index').signal?.aborted).toBe(true)
    under('index').reject(new AppError('cancelled', 'Stopped.'))
    await vi.waitFor(() => under('removeSource'))
    await vi.waitFor(() => expect(search().indexing?.source).toBe('conversations'))
    expect(calls.filter(({ kind }) => kind === 'index')).toHaveLength(2)
    await Promise.race([removing, settled()])
  })

  it('that ends while somebody finds stops what is shown of it, which is no failure', async () => {
    await visited()
    under('index').resolve({ done: 1, total: 1, refused: 0, secondsLeft: 0 })
    await vi.waitFor(() => expect(calls.filter(({ kind }) => kind === 'find')).toHaveLength(2))
    const shown = under('find')
    void actions().find({ kind: 'words', text: 'cat' })
    await vi.waitFor(() => expect(shown.signal?.aborted).toBe(true))
    shown.reject(new AppError('cancelled', 'Stopped.'))
    await settled()
    expect(search()).toMatchObject({ failure: null, status: 'finding' })
    under('find').reject(new AppError('out-of-memory', 'No memory.'))
    await vi.waitFor(() => expect(search().status).toBe('idle'))
  })

  it('that cannot show what it did leaves nothing waiting', async () => {
    await visited()
    under('index').resolve({ done: 1, total: 1, refused: 0, secondsLeft: 0 })
    await vi.waitFor(() => expect(calls.filter(({ kind }) => kind === 'find')).toHaveLength(2))
    under('find').reject(new AppError('out-of-memory', 'No memory.'))
    await vi.waitFor(() => expect(search().failure?.code).toBe('out-of-memory'))
    expect(search().status).toBe('idle')
  })

  it('of a source ends before the source is taken out, and does not begin again', async () => {
    await visited()
    const removing = actions().remove('conversations')
    await settled()
    expect(calls.some(({ kind }) => kind === 'removeSource')).toBe(false)
    under('index').reject(new AppError('cancelled', 'Stopped.'))
    await vi.waitFor(() => under('removeSource'))
    under('find').resolve({ pictures: [], ms: 1 })
    await Promise.race([removing, settled()])
    expect(search().waiting).toEqual([])
    expect(calls.filter(({ kind }) => kind === 'index')).toHaveLength(1)
  })

  it('of a folder that may not be read is not begun, which is said', async () => {
    await visited()
    const handle = { name: 'holidays' } as FileSystemDirectoryHandle
    const source = { id: 'id', kind: 'folder', name: 'holidays', handle, pictures: 0, refused: 0 } as const
    await actions().update({ ...source, isHere: true })
    expect(search().failure).toMatchObject({ code: 'forbidden' })
    expect(search().waiting).toEqual([])
  })
})
