import { toFailure, type Failure } from '../pack/failure.ts'
import type { Caption, CaptionProgress } from '../protocol/calls.ts'
import type { EngineAccess, GetState, SetState } from './store.ts'

export type AnswerState =
  | { status: 'waiting' }
  | { status: 'reading' }
  | { status: 'looking' }
  | { status: 'writing'; text: string; tokens: number }
  | { status: 'done'; caption: Caption }
  | { status: 'failed'; failure: Failure }

/** A picture and what is said about it. */
export interface Entry {
  id: number
  image: Blob
  name: string
  answer: AnswerState
}

export interface ConversationSlice {
  entries: Entry[]
  /** What a screen reader should hear next: finished answers and failures only, never single tokens. */
  announcement: string
  addImages: (images: { image: Blob; name: string }[]) => void
  /** Captions waiting pictures one after the other, once a model is ready. */
  answerWaiting: () => Promise<void>
  /** Ends the answer being written; what is there stays. */
  stop: () => void
  retry: (id: number) => void
  remove: (id: number) => void
}

export function conversationSlice(set: SetState, get: GetState, engine: EngineAccess): ConversationSlice {
  let nextId = 1
  let running: AbortController | null = null

  const update = (id: number, answer: AnswerState): void =>
    set({ entries: get().entries.map((entry) => (entry.id === id ? { ...entry, answer } : entry)) })

  async function answer(entry: Entry, signal: AbortSignal): Promise<void> {
    const { prompt, maxNewTokens } = get().settings
    const onEvent = (event: CaptionProgress): void => update(entry.id, answerStateOf(event))
    try {
      const caption = await engine.call(
        'caption',
        { image: entry.image, prompt, maxNewTokens },
        { onEvent, signal },
      )
      update(entry.id, { status: 'done', caption })
      set({ announcement: `${entry.name}: ${caption.text === '' ? 'no caption' : caption.text}` })
    } catch (error) {
      const failure = toFailure(error)
      update(entry.id, { status: 'failed', failure })
      set({ announcement: `${entry.name}: ${failure.message}` })
      // The device takes the model with it.
      if (failure.code === 'device-lost') set({ model: { status: 'failed', failure } })
    }
  }

  return {
    entries: [],
    announcement: '',
    addImages(images) {
      const added = images.map(({ image, name }): Entry => ({
        id: nextId++,
        image,
        name,
        answer: { status: 'waiting' },
      }))
      set({ entries: [...get().entries, ...added] })
      void get().answerWaiting()
    },
    async answerWaiting() {
      while (running === null && get().model.status === 'ready') {
        const next = get().entries.find((entry) => entry.answer.status === 'waiting')
        if (next === undefined) return
        running = new AbortController()
        update(next.id, { status: 'reading' })
        await answer(next, running.signal)
        running = null
      }
    },
    stop() {
      running?.abort()
    },
    retry(id) {
      update(id, { status: 'waiting' })
      if (get().model.status === 'failed') void get().loadModel()
      else void get().answerWaiting()
    },
    remove(id) {
      const entry = get().entries.find((candidate) => candidate.id === id)
      if (entry !== undefined && isUnderWay(entry.answer)) running?.abort()
      set({ entries: get().entries.filter((candidate) => candidate.id !== id) })
    },
  }
}

/** The engine is at work on it. */
export function isUnderWay(answer: AnswerState): boolean {
  return answer.status === 'reading' || answer.status === 'looking' || answer.status === 'writing'
}

function answerStateOf(event: CaptionProgress): AnswerState {
  switch (event.stage) {
    case 'reading':
      return { status: 'reading' }
    case 'looking':
      return { status: 'looking' }
    case 'writing':
      return { status: 'writing', text: event.text, tokens: event.tokens }
  }
}
