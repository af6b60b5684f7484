/** People talk about pictures, remove and bring back, and take in an export, on one page and on two. */
import { writeArchive } from '../../src/conversation/archive-file.ts'
import type { Conversation } from '../../src/conversation/conversation.ts'
import { toShown, type KeptConversation } from '../../src/conversation/kept.ts'
import type { ConversationLibrary, TabNews } from '../../src/conversation/library.ts'
import type { AnswerProgress, EngineCalls } from '../../src/protocol/engine-calls.ts'
import type { Handlers } from '../../src/protocol/rpc.ts'
import type { Random } from '../../src/scenes/random.ts'
import type { AppStore } from '../../src/state/store.ts'
import { channelInMemory } from '../../src/store/channel.ts'
import { openConversationLibrary } from '../../src/store/conversation-library.ts'
import { locksInMemory } from '../../src/store/locks.ts'
import { openTab } from '../../src/store/tabs.ts'
import { ANSWERED, clientOf, loaded, LOOKED, storeOf } from '../state/fake-browser.ts'
import { Databases } from './databases.ts'
import type { Session } from './machine.ts'
import { Promises } from './promises.ts'
import { demand, type Scenario, type Work } from './scenario.ts'

const ACTIONS = [
  ...['add', 'ask', 'ask', 'ask', 'ask again', 'choose', 'delete turn', 'delete turn'],
  ...['delete conversation', 'undo', 'undo', 'import', 'import', 'two days', 'rest'],
] as const
const MOST_ACTIONS = 12
const TWO_DAYS_MS = 2 * 86_400_000
/** Conversations in the export that is taken in. */
export const BROUGHT = 3

export const conversations: Scenario = {
  name: 'conversations',
  prepare: async (random) => new Talking(random, await exported()),
}

class Talking implements Work {
  readonly media: readonly [Databases]
  readonly #databases = new Databases()
  readonly #random: Random
  readonly #file: Blob
  readonly #promised = new Promises()
  /** Files of all pictures that were ever dropped or brought and kept, by id. */
  readonly #files = new Map<string, Blob>()
  /** Ids of the conversations that came in together. */
  readonly #brought: { ids: string[]; isPromised: boolean }[] = []
  #left: (typeof ACTIONS)[number][]
  #tabs = 0
  #names = 0
  #now = TWO_DAYS_MS

  constructor(random: Random, file: Blob) {
    this.#random = random
    this.#file = file
    this.media = [this.#databases]
    const [first, ...others] = ACTIONS
    const count = 1 + Math.floor(random.next() * MOST_ACTIONS)
    this.#left = ['add', ...Array.from({ length: count }, () => random.pick([first, ...others]))]
  }

  async goOn(session: Session): Promise<void> {
    const pages = this.#open(session, 1 + Math.floor(this.#random.next() * 2))
    await Promise.all(pages.map((page) => page.getState().restoreConversations()))
    await Promise.all(pages.map((page) => page.getState().loadModel()))
    for (let action = this.#left.shift(); action !== undefined; action = this.#left.shift()) {
      const page = pages[Math.floor(this.#random.next() * pages.length)]
      if (page !== undefined) await this.#act(page, action)
      if (this.#random.next() < 0.3) await settled()
    }
    await settled()
  }

  async check(session: Session): Promise<void> {
    const library = openConversationLibrary(this.#databases.tables(session))
    const { kept, damaged } = await library.conversations()
    demand(damaged === 0, `${damaged} conversations are damaged`)
    const byId = new Map(kept.map((one) => [one.id, one]))
    const broken = this.#promised.broken(kept)
    demand(broken === null, broken ?? '')
    for (const one of kept) await this.#checkOne(library, one)
    for (const { ids, isPromised } of this.#brought) {
      const there = ids.filter((id) => byId.has(id)).length
      demand(there === ids.length || (there === 0 && !isPromised), `${there} of ${ids.length} came in`)
    }
    await this.#checkPage(session, byId)
  }

  async #checkOne(library: ConversationLibrary, kept: KeptConversation): Promise<void> {
    if (toShown(kept) === null) return
    for (const { id } of kept.pictures) {
      const stored = await library.picture(id)
      demand(stored?.image === this.#files.get(id), `picture ${id} is not there as it was dropped`)
    }
  }

  /** A page shows all of it and complains of nothing. */
  async #checkPage(session: Session, kept: ReadonlyMap<string, KeptConversation>): Promise<void> {
    const [page] = this.#open(session, 1)
    if (page === undefined) return
    await page.getState().restoreConversations()
    const { conversations: shown, libraryFailure } = page.getState()
    demand(libraryFailure === null, `the page says: ${libraryFailure?.message ?? ''}`)
    const visible = [...kept.values()].filter((one) => toShown(one) !== null).length
    demand(shown.length === visible, `the page shows ${shown.length} of ${visible} conversations`)
    await settled()
  }

  /** Nothing waits for a page that is gone, and no picture lies about that belongs to nothing. */
  async checkEnd(session: Session): Promise<void> {
    this.#now += TWO_DAYS_MS
    const [page] = this.#open(session, 1)
    await page?.getState().restoreConversations()
    await settled()
    const library = openConversationLibrary(this.#databases.tables(session))
    const { kept } = await library.conversations()
    for (const { id, turns, removals } of kept) {
      const answers = turns.flatMap((turn) => Object.values(turn.answers))
      demand(!answers.some(({ status }) => status === 'waiting'), `an answer of ${id} waits for nobody`)
      demand(!removals.some(({ status }) => status === 'undoable'), `a removal of ${id} is nobody's`)
    }
    const used = new Set(kept.flatMap(({ pictures }) => pictures.map(({ id }) => id)))
    const strays = (await library.pictureIds()).filter((id) => !used.has(id))
    demand(strays.length === 0, `pictures ${strays.join(', ')} belong to nothing`)
  }

  #open(session: Session, count: number): AppStore[] {
    const locks = locksInMemory()
    const channel = channelInMemory<TabNews<AnswerProgress>>()
    const library = this.#noting(openConversationLibrary(this.#databases.tables(session)))
    return Array.from({ length: count }, () =>
      storeOf({
        client: clientOf(engineOf(session)),
        library,
        tabs: openTab(`tab ${(this.#tabs += 1)}`, locks, channel.join()),
        now: () => (this.#now += 1),
      }),
    )
  }

  /** The same library; what it says is kept is noted. */
  #noting(library: ConversationLibrary): ConversationLibrary {
    return {
      ...library,
      merge: async (conversation) => {
        const kept = await library.merge(conversation)
        this.#promised.note(kept)
        return kept
      },
      addAll: async (added) => {
        const entry = { ids: added.map(({ id }) => id), isPromised: false }
        this.#brought.push(entry)
        await library.addAll(added)
        entry.isPromised = true
        for (const one of added) this.#promised.note(one)
      },
      forget: async (ids) => {
        // What is forgotten on purpose is no longer promised, whether that comes through or not.
        for (const id of ids) this.#promised.drop(id)
        await library.forget(ids)
      },
      keepPicture: (picture) => {
        this.#files.set(picture.id, picture.image)
        return library.keepPicture(picture)
      },
    }
  }

  async #act(page: AppStore, action: (typeof ACTIONS)[number]): Promise<void> {
    const state = page.getState()
    const current = state.conversations.find(({ id }) => id === state.currentId)
    const turn = current?.turns[Math.floor(this.#random.next() * current.turns.length)]
    switch (action) {
      case 'add':
        state.addImages([this.#picture(), ...(this.#random.next() < 0.3 ? [this.#picture()] : [])])
        break
      case 'ask':
        state.ask(`question ${(this.#names += 1)}`)
        break
      case 'ask again':
        if (turn !== undefined) state.askAgain(turn.id, `question ${(this.#names += 1)}`)
        break
      case 'choose':
        if (turn !== undefined) state.showTurn(turn.id)
        break
      case 'delete turn':
        if (turn !== undefined) state.deleteTurn(turn.id)
        break
      case 'delete conversation':
        if (current !== undefined) state.deleteConversation(current.id)
        break
      case 'undo':
        state.undo()
        break
      case 'import':
        await state.importFile(this.#file)
        break
      case 'two days':
        this.#now += TWO_DAYS_MS
        break
      case 'rest':
        await settled()
    }
  }

  #picture(): { image: Blob; name: string } {
    const name = `picture ${(this.#names += 1)}`
    return { image: new Blob([name], { type: 'image/png' }), name }
  }
}

/** Answers at once, as far as the machine is on. */
function engineOf(session: Session): Handlers<EngineCalls> {
  let words = 0
  return {
    load: () => session.step(() => loaded('one')),
    untilLost: () => Promise.resolve(null),
    untilChecked: () => Promise.resolve(null),
    untilStepsKnown: () => Promise.resolve(null),
    towerStates: () => Promise.resolve(null),
    look: () => session.step(() => LOOKED),
    answer: async (_, report) => {
      await session.step(() => report({ stage: 'writing', text: 'some', tokens: 1 }))
      return session.step(() => ({ ...ANSWERED, text: `words ${(words += 1)}` }))
    },
    forget: () => session.step(() => null),
    changeMemory: () => session.step(() => ({ keepsAll: true, why: { kind: 'chosen' } })),
    speed: () => Promise.resolve([]),
    ping: () => session.step(() => null),
    unload: () => session.step(() => null),
  }
}

/** Nothing waits for a timer or a disk here, so that all that can happen has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

let file: Promise<Blob> | undefined

/** An export of some conversations, as a page would have written it. */
export function exported(): Promise<Blob> {
  file ??= (async () => {
    const brought = Array.from({ length: BROUGHT }, (_, i): Conversation => {
      const picture = { id: `brought ${i}`, name: `brought ${i}.png` }
      const turn = { id: `turn ${i}`, parent: null, question: null, answers: {} }
      return { id: `conversation ${i}`, changedAt: 1, pictures: [picture], turns: [turn], chosen: {} }
    })
    const modified = new Date(2020, 0)
    return (await writeArchive(brought, (id) => Promise.resolve(new Blob([id])), { modified })).file
  })()
  return file
}
