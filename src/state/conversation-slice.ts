import {
  earlierTurns,
  isUnderWay,
  shownTurns,
  withAnswer,
  withChosen,
  withoutTurn,
  withPhotograph,
  withTurn,
  type AnswerState,
  type Conversation,
  type Picture,
  type Turn,
} from '../conversation/conversation.ts'
import { fromJson, toJson, toMarkdown } from '../conversation/exchange.ts'
import type { ConversationLibrary } from '../conversation/library.ts'
import { AppError, throwIfCancelled, toFailure, type Failure } from '../pack/failure.ts'
import { lookKey } from '../pack/manifest.ts'
import type { AnswerProgress } from '../protocol/engine-calls.ts'
import { modelName } from './model-slice.ts'
import { decodingOf, type Settings } from './settings-slice.ts'
import type { EngineAccess } from './engine-access.ts'
import type { GetState, SetState } from './store.ts'

export interface NamedImage {
  image: Blob
  name: string
}

export interface ConversationSlice {
  /** The latest changed first. */
  conversations: Conversation[]
  /** The one that is shown; null before the first picture. */
  currentId: string | null
  /** Files of all pictures in `conversations`; the bytes stay where the browser keeps them. */
  images: Record<string, Blob>
  /** Questions not sent yet, by conversation. */
  drafts: Record<string, string>
  /** What a screen reader should hear next: finished answers and failures only, never single tokens. */
  announcement: string
  /** Undoes the last deletion; null when there is none. */
  undo: { label: string; restore: () => void } | null
  /** Something that concerns no single answer: the disk is full, a file cannot be read. */
  libraryFailure: Failure | null

  restoreConversations: () => Promise<void>
  /** Begins a conversation about a picture, or about several side by side, and captions it. */
  addImages: (images: NamedImage[]) => void
  openConversation: (id: string) => void
  deleteConversation: (id: string) => void
  /** The first letters of a question have its pictures looked at, if the model has not seen them. */
  changeDraft: (text: string) => void
  /** Asks the draft, as `ask` does. */
  send: () => void
  /** Asks about every picture of the current conversation; the draft stays. */
  ask: (question: string) => void
  /** Asks again, in the same words or in others: a sibling of that turn. */
  askAgain: (turnId: string, question: string | null) => void
  showTurn: (turnId: string) => void
  deleteTurn: (turnId: string) => void
  /** Answers waiting turns one after the other, once a model is ready. */
  answerWaiting: () => Promise<void>
  /** Ends the answer being written; what is there stays. */
  stop: () => void
  /** Writes a failed answer again in its place. */
  retry: (turnId: string, pictureId: string) => void
  exportAll: () => Promise<Blob>
  exportMarkdown: (id: string) => Blob
  importFile: (file: Blob) => Promise<void>
  dismissNotice: () => void
}

export interface ConversationSources {
  library: ConversationLibrary
  newId: () => string
  /** Milliseconds since 1970. */
  now: () => number
}

export function conversationSlice(
  set: SetState,
  get: GetState,
  engine: EngineAccess,
  { library, newId, now }: ConversationSources,
): ConversationSlice {
  let running: { abort: AbortController; turnId: string; conversationId: string } | null = null
  let looking: { pictureId: string; abort: AbortController } | null = null
  /** Pictures, each with the model, that need no look ahead: they have been seen, or it was tried. */
  const lookedAhead = new Set<string>()

  const find = (id: string): Conversation | undefined => get().conversations.find((one) => one.id === id)
  const current = (): Conversation | undefined => find(get().currentId ?? '')

  const keep = (work: Promise<unknown>): void =>
    void work.catch((error: unknown) => set({ libraryFailure: toFailure(error) }))

  /** Changes a conversation if it is still there. `save` writes it to the library too. */
  function change(id: string, to: (conversation: Conversation) => Conversation, save = true): void {
    const before = find(id)
    if (before === undefined) return
    const after = save ? { ...to(before), changedAt: now() } : to(before)
    set({ conversations: get().conversations.map((one) => (one.id === id ? after : one)) })
    if (save) keep(library.save(after))
  }

  function begin(pictures: Picture[]): void {
    const turn = newTurn(null, null, pictures)
    const conversation: Conversation = {
      id: newId(),
      changedAt: now(),
      pictures,
      turns: [turn],
      chosen: {},
    }
    set({ conversations: [conversation, ...get().conversations], currentId: conversation.id })
    keep(library.save(conversation))
    void get().answerWaiting()
  }

  function newTurn(parent: string | null, question: string | null, pictures: Picture[]): Turn {
    const waiting = pictures.map(({ id }) => [id, { status: 'waiting' }] as const)
    return { id: newId(), parent, question, answers: Object.fromEntries(waiting) }
  }

  /** What a look found stays with the picture, whichever model is asked later. */
  function note(pictureId: string, photograph: boolean): void {
    for (const { id, pictures } of get().conversations)
      if (pictures.some((picture) => picture.id === pictureId && picture.photograph !== photograph))
        change(id, (one) => withPhotograph(one, pictureId, photograph))
  }

  /** Looks at the shown pictures that this model has not seen, so that an answer need not wait for it. Never fails. */
  async function lookAhead(): Promise<void> {
    const free = (): boolean => running === null && looking === null && get().model.status === 'ready'
    const conversation = current()
    if (conversation === undefined || !free()) return
    for (const { id } of conversation.pictures) {
      const { model } = get()
      if (!free() || model.status !== 'ready') return
      const key = `${lookKey(model.loaded.manifest)} ${id}`
      if (lookedAhead.has(key)) continue
      lookedAhead.add(key)
      looking = { pictureId: id, abort: new AbortController() }
      try {
        const input = { id, image: await imageOf(id) }
        const { photograph } = await engine.call('look', input, { signal: looking.abort.signal })
        note(id, photograph)
      } catch {
        // The answer looks again and says what is wrong.
      }
      looking = null
    }
  }

  /** A picture that could not be kept (full disk) still lies in memory. */
  async function imageOf(id: string): Promise<Blob> {
    const image = (await library.picture(id))?.image ?? get().images[id]
    if (image === undefined)
      throw new AppError('not-found', 'This picture is no longer stored here; drop it again.')
    return image
  }

  async function answer(
    conversation: Conversation,
    turn: Turn,
    picture: Picture,
    signal: AbortSignal,
  ): Promise<void> {
    let written = ''
    const update = (state: AnswerState, save = false): void =>
      change(conversation.id, (one) => withAnswer(one, turn.id, picture.id, state), save)
    const { settings, model } = get()
    const by = modelName(model)
    if (model.status === 'ready') lookedAhead.add(`${lookKey(model.loaded.manifest)} ${picture.id}`)
    const { question } = turn
    try {
      const image = await imageOf(picture.id)
      throwIfCancelled(signal)
      const result = await engine.call(
        'answer',
        {
          picture: { id: picture.id, image },
          asked:
            question === null
              ? { kind: 'caption', prompt: settings.prompt }
              : {
                  kind: 'question',
                  question,
                  earlier: earlierTurns(conversation, turn, picture.id),
                  template: settings.template,
                },
          settings: decodingOf(settings, now() % 2 ** 32),
        },
        {
          onEvent: (event) => {
            if (event.stage === 'writing') written = event.text
            update(underWay(event))
          },
          signal,
        },
      )
      const { text, tokenIds, answers, finish, prefilled, dropped, prefillMs, decodeMs, look } = result
      const facts = {
        finish,
        prefilled,
        dropped,
        prefillMs,
        decodeMs,
        lookMs: look === null ? 0 : look.readMs + look.lookMs,
        ...(by !== null && { model: by }),
      }
      if (look !== null) note(picture.id, look.photograph)
      update({ status: 'done', text, tokenIds, answers, facts }, true)
      get().answerFinished()
      const said = `${picture.name}: ${text === '' ? 'no answer' : text}`
      const beyond = question === null && look?.photograph === true && settings.model === null
      set({ announcement: beyond ? `${said}. ${BEYOND}` : said })
    } catch (error) {
      const failure = toFailure(error)
      if (failure.code === 'cancelled') {
        update(stoppedBefore(written, by), true)
        return
      }
      update({ status: 'failed', text: written, failure }, true)
      set({ announcement: `${picture.name}: ${failure.message}` })
    }
  }

  /** The next answer to write: of the conversation that is shown first, then of the others. */
  function nextWaiting(): { conversation: Conversation; turn: Turn; picture: Picture } | null {
    const shown = current()
    const order = [...(shown === undefined ? [] : [shown]), ...get().conversations]
    for (const conversation of order)
      for (const turn of conversation.turns)
        for (const picture of conversation.pictures)
          if (turn.answers[picture.id]?.status === 'waiting') return { conversation, turn, picture }
    return null
  }

  async function forgetPictures(pictures: readonly Picture[]): Promise<void> {
    const used = new Set(get().conversations.flatMap((one) => one.pictures.map(({ id }) => id)))
    const gone = pictures.map(({ id }) => id).filter((id) => !used.has(id))
    // A restarted engine forgets what it has not kept.
    engine.call('forget', { pictureIds: gone }).catch(() => undefined)
    for (const id of gone) await library.removePicture(id)
  }

  return {
    conversations: [],
    currentId: null,
    images: {},
    drafts: {},
    announcement: '',
    undo: null,
    libraryFailure: null,

    async restoreConversations() {
      try {
        const kept = await library.conversations()
        const images: Record<string, Blob> = {}
        for (const { id } of kept.flatMap(({ pictures }) => pictures)) {
          const stored = await library.picture(id)
          if (stored !== undefined) images[id] = stored.image
        }
        set({
          conversations: [...get().conversations, ...kept],
          images: { ...images, ...get().images },
          currentId: get().currentId ?? kept[0]?.id ?? null,
        })
      } catch (error) {
        set({ libraryFailure: toFailure(error) })
      }
    },
    addImages(images) {
      const added = images.map(({ image, name }) => ({ id: newId(), name, image }))
      set({
        images: { ...get().images, ...Object.fromEntries(added.map(({ id, image }) => [id, image])) },
      })
      for (const { id, image } of added) keep(library.savePicture({ id, image }))
      begin(added.map(({ id, name }) => ({ id, name })))
    },
    openConversation(id) {
      set({ currentId: id })
    },
    deleteConversation(id) {
      const gone = find(id)
      if (gone === undefined) return
      if (running?.conversationId === id) running.abort.abort()
      if (gone.pictures.some((picture) => picture.id === looking?.pictureId)) looking?.abort.abort()
      const rest = get().conversations.filter((one) => one.id !== id)
      const currentId = get().currentId === id ? (rest[0]?.id ?? null) : get().currentId
      const images = get().images
      const restore = (): void => {
        set({ conversations: [gone, ...get().conversations], currentId: id, undo: null })
        for (const picture of gone.pictures) {
          const image = images[picture.id]
          if (image !== undefined) keep(library.savePicture({ id: picture.id, image }))
        }
        keep(library.save(gone))
        void get().answerWaiting()
      }
      set({ conversations: rest, currentId, undo: { label: 'Conversation deleted.', restore } })
      keep(library.remove(id).then(() => forgetPictures(gone.pictures)))
    },
    changeDraft(text) {
      const id = get().currentId
      if (id === null) return
      set({ drafts: { ...get().drafts, [id]: text } })
      if (text.trim() !== '') void lookAhead()
    },
    send() {
      const id = get().currentId ?? ''
      const question = (get().drafts[id] ?? '').trim()
      if (question === '') return
      set({ drafts: { ...get().drafts, [id]: '' } })
      get().ask(question)
    },
    ask(question) {
      const conversation = current()
      if (conversation === undefined) return
      const parent = shownTurns(conversation).at(-1)?.id ?? null
      change(conversation.id, (one) => withTurn(one, newTurn(parent, question, one.pictures)))
      void get().answerWaiting()
    },
    askAgain(turnId, question) {
      const conversation = current()
      const turn = conversation?.turns.find(({ id }) => id === turnId)
      if (conversation === undefined || turn === undefined) return
      if (running?.turnId === turnId) running.abort.abort()
      const again = newTurn(turn.parent, question, conversation.pictures)
      change(conversation.id, (one) => withTurn(one, again))
      void get().answerWaiting()
    },
    showTurn(turnId) {
      const conversation = current()
      const turn = conversation?.turns.find(({ id }) => id === turnId)
      if (conversation !== undefined && turn !== undefined)
        change(conversation.id, (one) => withChosen(one, turn))
    },
    deleteTurn(turnId) {
      const conversation = current()
      if (conversation === undefined) return
      // Without its first turns a conversation is only a picture that nothing was said about: that goes too.
      if (withoutTurn(conversation, turnId).turns.length === 0) {
        get().deleteConversation(conversation.id)
        return
      }
      if (
        running !== null &&
        !withoutTurn(conversation, turnId).turns.some(({ id }) => id === running?.turnId)
      )
        running.abort.abort()
      const restore = (): void => {
        change(conversation.id, (one) => ({ ...one, turns: conversation.turns, chosen: conversation.chosen }))
        set({ undo: null, currentId: conversation.id })
        void get().answerWaiting()
      }
      change(conversation.id, (one) => withoutTurn(one, turnId))
      set({ undo: { label: 'Turn deleted.', restore } })
    },
    async answerWaiting() {
      while (running === null && get().model.status === 'ready') {
        const next = nextWaiting()
        if (next === null) return
        const { conversation, turn, picture } = next
        running = { abort: new AbortController(), turnId: turn.id, conversationId: conversation.id }
        change(conversation.id, (one) => withAnswer(one, turn.id, picture.id, { status: 'reading' }), false)
        await answer(conversation, turn, picture, running.abort.signal)
        running = null
      }
    },
    stop() {
      running?.abort.abort()
      looking?.abort.abort()
    },
    retry(turnId, pictureId) {
      const conversation = current()
      if (conversation === undefined) return
      change(conversation.id, (one) => withAnswer(one, turnId, pictureId, { status: 'waiting' }))
      if (get().model.status === 'failed') void get().loadModel()
      else void get().answerWaiting()
    },
    async exportAll() {
      const { conversations, images } = get()
      const pictures = Object.entries(images).map(([id, image]) => ({ id, image }))
      const used = new Set(conversations.flatMap((one) => one.pictures.map(({ id }) => id)))
      const text = await toJson({ conversations, pictures: pictures.filter(({ id }) => used.has(id)) })
      return new Blob([text], { type: 'application/json' })
    },
    exportMarkdown(id) {
      const conversation = find(id)
      if (conversation === undefined) throw new AppError('bug', 'That conversation is gone.')
      return new Blob([toMarkdown(conversation)], { type: 'text/markdown' })
    },
    async importFile(file) {
      try {
        const { conversations, pictures } = fromJson(await file.text(), newId)
        for (const { id, image } of pictures) await library.savePicture({ id, image })
        for (const conversation of conversations) await library.save(conversation)
        const images = Object.fromEntries(pictures.map(({ id, image }) => [id, image]))
        set({
          conversations: [...conversations, ...get().conversations],
          images: { ...get().images, ...images },
          currentId: conversations[0]?.id ?? get().currentId,
          announcement: `${conversations.length} conversations were added.`,
        })
      } catch (error) {
        set({ libraryFailure: toFailure(error) })
      }
    },
    dismissNotice() {
      set({ libraryFailure: null, undo: null })
    },
  }
}

/** Stop was pressed before anything was written, or the engine gave up writing because of it. */
function stoppedBefore(text: string, by: string | null): AnswerState {
  const none = { lookMs: 0, prefillMs: 0, decodeMs: 0, prefilled: 0, dropped: 0 }
  const facts = { finish: 'stopped' as const, ...none, ...(by !== null && { model: by }) }
  return { status: 'done', text, tokenIds: [], answers: [], facts }
}

function underWay(event: AnswerProgress): AnswerState {
  if (event.stage === 'writing') return { status: 'writing', text: event.text, tokens: event.tokens }
  return event.stage === 'opening' ? { status: 'opening', graph: event.graph } : { status: event.stage }
}

const BEYOND = 'This looks like a photograph, and the built-in model knows drawn scenes only.'

/** Ids of the pictures that are beyond the chosen model: photographs before the built-in one. */
export function photographsAmong(pictures: readonly Picture[], { model }: Pick<Settings, 'model'>): string[] {
  if (model !== null) return []
  return pictures.filter(({ photograph }) => photograph === true).map(({ id }) => id)
}

/** Whether anything of a conversation is being written. */
export function isBusy(conversation: Conversation): boolean {
  return conversation.turns.some((turn) => Object.values(turn.answers).some(isUnderWay))
}
