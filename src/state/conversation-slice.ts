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
import type { ConversationLibrary, SeenPicture, StoredPicture } from '../conversation/library.ts'
import { AppError, throwIfCancelled, toFailure, type Failure } from '../pack/failure.ts'
import { lookKey } from '../pack/manifest.ts'
import type { LookProgress } from '../protocol/engine-calls.ts'
import { modelName } from './model-slice.ts'
import { decodingOf, type Settings } from './settings-slice.ts'
import type { EngineAccess, GetState, SetState } from './store.ts'

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

/** One look at a picture, under way. Whoever else wants the same picture waits for it. */
interface Look {
  pictureId: string
  /** `lookKey` of the model that looks. */
  model: string
  abort: AbortController
  done: Promise<{ seen: SeenPicture; lookMs: number }>
  /** The last that was told of it. */
  last: LookProgress | null
  onEvent: (event: LookProgress) => void
}

export function conversationSlice(
  set: SetState,
  get: GetState,
  engine: EngineAccess,
  { library, newId, now }: ConversationSources,
): ConversationSlice {
  let running: { abort: AbortController; turnId: string; conversationId: string } | null = null
  let looking: Look | null = null
  /** Pictures, each with the model, that need no look ahead: they have been seen, or it was tried. */
  const lookedAhead = new Set<string>()
  let lookingAhead = false

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

  /** The query embeddings of a picture: kept ones if the same model made them, else it looks. */
  async function lookAt(
    picture: StoredPicture,
    onEvent: (event: LookProgress) => void,
    signal: AbortSignal,
  ): Promise<{ seen: SeenPicture; lookMs: number }> {
    const { model } = get()
    if (model.status !== 'ready') throw new AppError('bug', 'No model is loaded.')
    const key = lookKey(model.loaded.manifest)
    if (picture.seen?.model === key) return { seen: picture.seen, lookMs: 0 }
    if (looking !== null && (looking.pictureId !== picture.id || looking.model !== key)) {
      // One picture at a time; what is asked about comes first.
      looking.abort.abort()
      await looking.done.catch(() => undefined)
      throwIfCancelled(signal)
    }
    const look = looking ?? beginLook(picture, key)
    look.onEvent = onEvent
    if (look.last !== null) onEvent(look.last)
    const stop = (): void => look.abort.abort()
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
    try {
      return await look.done
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  function beginLook(picture: StoredPicture, model: string): Look {
    const abort = new AbortController()
    const look: Look = {
      pictureId: picture.id,
      model,
      abort,
      done: NEVER,
      last: null,
      onEvent: () => undefined,
    }
    const onEvent = (event: LookProgress): void => {
      look.last = event
      look.onEvent(event)
    }
    const work = async (): Promise<{ seen: SeenPicture; lookMs: number }> => {
      const input = { pictureId: picture.id, image: picture.image }
      const { embeddings, photograph, readMs, lookMs } = await engine.call('look', input, {
        onEvent,
        signal: abort.signal,
      })
      const seen = { model, embeddings }
      // Its conversation may have been deleted meanwhile.
      const wanted = get().conversations.some(({ pictures }) => pictures.some(({ id }) => id === picture.id))
      if (wanted) keep(library.savePicture({ ...picture, seen }))
      note(picture.id, photograph)
      return { seen, lookMs: readMs + lookMs }
    }
    look.done = work().finally(() => {
      if (looking === look) looking = null
    })
    // Of a look ahead nobody may be there to hear that it failed.
    look.done.catch(() => undefined)
    looking = look
    return look
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
    if (conversation === undefined || lookingAhead || !free()) return
    lookingAhead = true
    try {
      for (const { id } of conversation.pictures) {
        const { model } = get()
        if (!free() || model.status !== 'ready') return
        const key = lookKey(model.loaded.manifest)
        if (lookedAhead.has(`${key} ${id}`)) continue
        const stored = (await library.picture(id)) ?? missing(id, get().images)
        // Meanwhile it may have been sent, and the answer looks itself.
        if (!free() || get().model !== model) return
        lookedAhead.add(`${key} ${id}`)
        if (stored.seen?.model === key) continue
        await beginLook(stored, key).done
      }
    } catch {
      // The answer looks again and says what is wrong.
    } finally {
      lookingAhead = false
    }
  }

  async function answer(
    conversationId: string,
    turn: Turn,
    picture: Picture,
    signal: AbortSignal,
  ): Promise<void> {
    let written = ''
    const update = (state: AnswerState, save = false): void =>
      change(conversationId, (one) => withAnswer(one, turn.id, picture.id, state), save)
    const onLook = (event: LookProgress): void =>
      update(event.stage === 'opening' ? { status: 'opening', graph: event.graph } : { status: event.stage })
    const { settings } = get()
    const by = modelName(get().model)
    try {
      const stored = (await library.picture(picture.id)) ?? missing(picture.id, get().images)
      const { seen, lookMs } = await lookAt(stored, onLook, signal)
      const conversation = find(conversationId)
      if (conversation === undefined) return
      const earlier = earlierTurns(conversation, turn, picture.id)
      const { question } = turn
      const result = await engine.call(
        'answer',
        {
          pictureId: picture.id,
          embeddings: seen.embeddings,
          asked:
            question === null
              ? { kind: 'caption', prompt: settings.prompt }
              : { kind: 'question', question, earlier, template: settings.template },
          settings: decodingOf(settings, now() % 2 ** 32),
        },
        {
          onEvent: ({ text, tokens }) => {
            written = text
            update({ status: 'writing', text, tokens })
          },
          signal,
        },
      )
      const { text, tokenIds, answers, finish, prefilled, dropped, prefillMs, decodeMs } = result
      const facts = {
        finish,
        prefilled,
        dropped,
        prefillMs,
        decodeMs,
        lookMs,
        ...(by !== null && { model: by }),
      }
      update({ status: 'done', text, tokenIds, answers, facts }, true)
      get().answerFinished()
      const said = `${picture.name}: ${text === '' ? 'no answer' : text}`
      const beyond =
        question === null && photographsAmong(conversation.pictures, settings).includes(picture.id)
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
    for (const { id } of pictures) if (!used.has(id)) await library.removePicture(id)
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
      for (const { id, image } of added) keep(library.savePicture({ id, image, seen: null }))
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
          if (image !== undefined) keep(library.savePicture({ id: picture.id, image, seen: null }))
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
        await answer(conversation.id, turn, picture, running.abort.signal)
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
        for (const { id, image } of pictures) await library.savePicture({ id, image, seen: null })
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

/** In the place of a promise until it is made. */
const NEVER = new Promise<never>(() => undefined)

/** A picture that could not be kept (full disk) still lies in memory. */
function missing(id: string, images: Record<string, Blob>): StoredPicture {
  const image = images[id]
  if (image === undefined)
    throw new AppError('not-found', 'This picture is no longer stored here; drop it again.')
  return { id, image, seen: null }
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
