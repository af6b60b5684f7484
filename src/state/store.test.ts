import { describe, expect, it, vi } from 'vitest'
import { AppError } from '../pack/failure.ts'
import type { Caption, CaptionProgress, EngineCalls, LoadedModel } from '../protocol/calls.ts'
import type { Client } from '../protocol/rpc.ts'
import { createAppStore, type AppStore } from './store.ts'

const CAPTION: Caption = {
  text: 'a cat',
  tokenIds: [5, 6],
  finish: 'end',
  timings: { readMs: 1, lookMs: 1, prefillMs: 1, decodeMs: 1 },
}
// The store passes the loaded model on without looking inside.
const LOADED = { loadMs: 1 } as unknown as LoadedModel

interface Fake {
  store: AppStore
  load: ReturnType<typeof vi.fn<() => Promise<LoadedModel>>>
  caption: ReturnType<
    typeof vi.fn<
      (image: Blob, report: (event: CaptionProgress) => void, signal: AbortSignal) => Promise<Caption>
    >
  >
  kept: unknown[]
  restarted: () => number
}

function fake(kept: unknown[] = []): Fake {
  const load = vi.fn<() => Promise<LoadedModel>>().mockResolvedValue(LOADED)
  const caption = vi
    .fn<(image: Blob, report: (event: CaptionProgress) => void, signal: AbortSignal) => Promise<Caption>>()
    .mockResolvedValue(CAPTION)
  const calls = {
    load: () => load(),
    caption: (
      { image }: EngineCalls['caption']['in'],
      report: (event: CaptionProgress) => void,
      signal: AbortSignal,
    ) => caption(image, report, signal),
    unload: () => Promise.resolve(null),
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
  const store = createAppStore({
    engine: { client, restart: () => ((restarts += 1), client) },
    settings: {
      load: () => kept.at(-1),
      save: (settings) => void kept.push(settings),
    },
    builtInModelUrl: 'http://localhost/models/',
  })
  return { store, load, caption, kept, restarted: () => restarts }
}

const picture = (name: string): { image: Blob; name: string } => ({ image: new Blob([name]), name })

describe('the conversation', () => {
  it('captions pictures one after the other, those that came before the model too', async () => {
    const { store, caption } = fake()
    store.getState().addImages([picture('a'), picture('b')])
    expect(caption).not.toHaveBeenCalled()
    await store.getState().loadModel()
    await vi.waitFor(() =>
      expect(store.getState().entries.map((entry) => entry.answer.status)).toEqual(['done', 'done']),
    )
    expect(store.getState().announcement).toBe('b: a cat')
  })

  it('shows the text so far and keeps going after a picture that fails', async () => {
    const { store, caption } = fake()
    const seen: string[] = []
    store.subscribe(({ entries }) => {
      const answer = entries[0]?.answer
      if (answer?.status === 'writing') seen.push(answer.text)
    })
    caption.mockImplementationOnce((_, report) => {
      report({ stage: 'writing', text: 'a', tokens: 1 })
      report({ stage: 'writing', text: 'a cat', tokens: 2 })
      return Promise.reject(new AppError('bad-image', 'Not a picture.'))
    })
    await store.getState().loadModel()
    store.getState().addImages([picture('a'), picture('b')])
    await vi.waitFor(() => expect(store.getState().entries[1]?.answer.status).toBe('done'))
    expect(seen).toContain('a cat')
    expect(store.getState().entries[0]?.answer).toMatchObject({
      status: 'failed',
      failure: { code: 'bad-image' },
    })
  })

  it('stops the answer under way and no other', async () => {
    const { store, caption } = fake()
    caption.mockImplementationOnce(
      (_, __, signal) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => resolve({ ...CAPTION, finish: 'stopped' })),
        ),
    )
    await store.getState().loadModel()
    store.getState().addImages([picture('a'), picture('b')])
    store.getState().stop()
    await vi.waitFor(() =>
      expect(store.getState().entries[1]?.answer).toMatchObject({
        status: 'done',
        caption: { finish: 'end' },
      }),
    )
    expect(store.getState().entries[0]?.answer).toMatchObject({ caption: { finish: 'stopped' } })
  })

  it('tries a picture again after loading a model that was lost', async () => {
    const { store, caption, load } = fake()
    caption.mockRejectedValueOnce(new AppError('device-lost', 'Gone.'))
    await store.getState().loadModel()
    store.getState().addImages([picture('a')])
    await vi.waitFor(() => expect(store.getState().model.status).toBe('failed'))
    store.getState().retry(store.getState().entries[0]?.id ?? 0)
    await vi.waitFor(() => expect(store.getState().entries[0]?.answer.status).toBe('done'))
    expect(load).toHaveBeenCalledTimes(2)
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
})

describe('settings', () => {
  it('are kept and restored', () => {
    const { store, kept } = fake()
    store.getState().changeSettings({ prompt: 'a photo of', theme: 'dark' })
    expect(kept.at(-1)).toMatchObject({ prompt: 'a photo of', theme: 'dark', maxNewTokens: 30 })
    expect(fake(kept).store.getState().settings).toEqual(store.getState().settings)
  })

  it.each([
    ['no object', 'nonsense'],
    ['values of other kinds', { theme: 'plaid', prompt: 7, maxNewTokens: -3, prefer: 'magic' }],
  ])('fall back to the defaults where what was kept is %s', (_, kept) => {
    expect(fake([kept]).store.getState().settings).toEqual(fake().store.getState().settings)
  })

  it('hold for the visit where nothing can be kept', () => {
    const full: unknown[] = []
    full.push = () => {
      throw new DOMException('full', 'QuotaExceededError')
    }
    const { store } = fake(full)
    store.getState().changeSettings({ prompt: 'a photo of' })
    expect(store.getState().settings.prompt).toBe('a photo of')
  })
})
