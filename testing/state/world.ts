/** Pages over one browser on which people do whatever they like, and beside them a record of what they did and saw. */
import { expect } from 'vitest'
import type { Conversation, Turn } from '../../src/conversation/conversation.ts'
import { toShown } from '../../src/conversation/kept.ts'
import { MOST_UNDOABLE } from '../../src/state/undo.ts'
import { fakeBrowser, picture, type FakeBrowser } from './fake-browser.ts'
import { drain, openScriptedPage, tick, type ScriptedPage } from './scripted-page.ts'

export const ACTIONS = [
  ...['ask', 'ask', 'ask', 'send', 'ask again', 'ask again', 'choose', 'add pictures', 'open'],
  ...['delete turn', 'delete turn', 'delete conversation', 'undo', 'undo', 'stop', 'stop', 'retry'],
  ...['write', 'write', 'finish', 'finish', 'finish', 'fail', 'lose device', 'load', 'change model'],
  ...['step', 'step', 'step', 'step', 'reload', 'fill the disk', 'make room'],
] as const

export interface Action {
  what: (typeof ACTIONS)[number]
  page: number
  /** Which of the things that can be meant is meant. */
  which: number
}

/** One press of Remove or Delete: the names of the turns that it took, and of the conversation where it took all. */
interface Press {
  names: Set<string>
  conversationId: string | null
  undone: boolean
}

/** What a turn is called here: its question, of which there is only one, or its first picture. */
export function nameOf(turn: Turn, { pictures }: Conversation): string {
  return turn.question ?? pictures[0]?.name ?? ''
}

function pick<T>(list: readonly T[], which: number): T | undefined {
  return list[which % Math.max(1, list.length)]
}

export class World {
  readonly browser: FakeBrowser = fakeBrowser()
  pages: ScriptedPage[] = []
  /** Conversation of every turn that was ever asked, by its name. */
  readonly asked = new Map<string, string>()
  readonly presses: Press[] = []
  /** What each page can undo, the last press last. */
  readonly stacks: Press[][] = []
  /** Words of every answer that was ever shown as finished, by turn and picture. */
  readonly finished = new Map<string, string>()
  /** Names of the turns that somebody wanted to stop. */
  readonly stopped = new Set<string>()
  /** What was seen that must not be. */
  readonly complaints: string[] = []
  #names = 0
  /** Whether something may not be kept yet. */
  #wasFull = false

  static async of(pages: number): Promise<World> {
    const world = new World()
    for (let page = 0; page < pages; page += 1) {
      world.stacks.push([])
      world.pages.push(await openScriptedPage(world.browser))
      world.#watch(page)
    }
    return world
  }

  #watch(index: number): void {
    const page = this.pages[index]
    page?.store.subscribe(({ conversations }) => this.#record(conversations))
  }

  #record(conversations: readonly Conversation[]): void {
    for (const conversation of conversations)
      for (const turn of conversation.turns)
        for (const [pictureId, answer] of Object.entries(turn.answers)) {
          if (answer.status !== 'done') continue
          const name = nameOf(turn, conversation)
          const key = `${name} ${pictureId}`
          if ((this.finished.get(key) ?? answer.text) !== answer.text)
            this.complaints.push(`${key} was answered twice`)
          this.finished.set(key, answer.text)
          if (answer.facts.finish === 'stopped' && !this.#wasToStop(name))
            this.complaints.push(`nobody wanted ${name} to stop`)
        }
  }

  /** Somebody stopped it, or removed it while it was written, if only with its whole conversation. */
  #wasToStop(name: string): boolean {
    const conversation = this.asked.get(name)
    const removed = this.presses.some(({ conversationId }) => conversationId === conversation)
    return this.stopped.has(name) || removed
  }

  /** Names of all turns that nobody has removed, or that were brought back. */
  get living(): Set<string> {
    const force = this.presses.filter(({ undone }) => !undone)
    const gone = new Set(force.flatMap(({ names }) => [...names]))
    const whole = new Set(force.map(({ conversationId }) => conversationId))
    return new Set([...this.asked].flatMap(([name, id]) => (gone.has(name) || whole.has(id) ? [] : [name])))
  }

  async act({ what, page: at, which }: Action): Promise<void> {
    const index = at % this.pages.length
    const page = this.pages[index]
    if (page === undefined) return
    const { store, engine } = page
    const state = store.getState()
    const current = state.conversations.find(({ id }) => id === state.currentId)
    const turn = current === undefined ? undefined : pick(current.turns, which)
    switch (what) {
      case 'ask':
        if (current !== undefined) state.ask(this.#newName(current.id))
        break
      case 'send':
        if (current === undefined) break
        state.changeDraft(this.#newName(current.id))
        state.send()
        break
      case 'ask again':
        if (current === undefined || turn === undefined) break
        this.stopped.add(nameOf(turn, current))
        state.askAgain(turn.id, this.#newName(current.id))
        break
      case 'choose':
        if (turn !== undefined) state.showTurn(turn.id)
        break
      case 'add pictures':
        this.#addPictures(page, which)
        break
      case 'open':
        state.openConversation(pick(state.conversations, which)?.id ?? '')
        break
      case 'delete turn':
        if (current !== undefined && turn !== undefined) this.#deleteTurn(index, current, turn)
        break
      case 'delete conversation':
        if (current !== undefined)
          this.#press(index, current, null, () => state.deleteConversation(current.id))
        break
      case 'undo':
        this.#undo(index)
        break
      case 'stop':
        this.#noteStop(page)
        state.stop()
        break
      case 'retry':
        // Nobody presses it on two pages within a moment; of one that has heard of the other it does nothing.
        if (this.#wasFull) await this.#makeRoom()
        await drain(this.pages)
        if (turn !== undefined) state.retry(turn.id, pick(Object.keys(turn.answers), which) ?? '')
        break
      case 'write':
        engine.write()
        break
      case 'finish':
        engine.finish()
        break
      case 'fail':
        engine.fail()
        break
      case 'lose device':
        engine.loseDevice()
        break
      case 'load':
        void state.loadModel()
        break
      case 'change model':
        this.#noteStop(page)
        void state.changeModel(which % 2 === 0 ? null : 'other')
        break
      case 'fill the disk':
        this.browser.disk.isFull = true
        this.#wasFull = true
        break
      case 'make room':
        this.browser.disk.isFull = false
        break
      case 'step':
        page.step()
        break
      case 'reload':
        await this.#reload(index)
        break
    }
    await tick()
    expect(this.complaints, what).toEqual([])
  }

  #newName(conversationId: string): string {
    const name = `question ${(this.#names += 1)}`
    this.asked.set(name, conversationId)
    return name
  }

  #addPictures({ store }: ScriptedPage, which: number): void {
    const name = `picture ${(this.#names += 1)}`
    store.getState().addImages([picture(name), ...(which % 3 === 0 ? [picture(`beside ${name}`)] : [])])
    this.asked.set(name, store.getState().currentId ?? '')
  }

  #deleteTurn(index: number, current: Conversation, turn: Turn): void {
    const ids = new Set([turn.id])
    for (let before = 0; before < ids.size;) {
      before = ids.size
      for (const { id, parent } of current.turns) if (parent !== null && ids.has(parent)) ids.add(id)
    }
    const gone = current.turns.filter(({ id }) => ids.has(id))
    const all = gone.length === current.turns.length
    this.#press(index, current, all ? null : gone, () =>
      this.pages[index]?.store.getState().deleteTurn(turn.id),
    )
  }

  #press(index: number, conversation: Conversation, turns: Turn[] | null, act: () => void): void {
    const names = new Set((turns ?? conversation.turns).map((turn) => nameOf(turn, conversation)))
    const press = { names, conversationId: turns === null ? conversation.id : null, undone: false }
    for (const name of names) this.stopped.add(name)
    this.presses.push(press)
    const stack = this.stacks[index]
    stack?.push(press)
    if (stack !== undefined && stack.length > MOST_UNDOABLE) stack.shift()
    act()
  }

  #undo(index: number): void {
    const press = this.stacks[index]?.pop()
    if (press !== undefined) press.undone = true
    this.pages[index]?.store.getState().undo()
  }

  /** Stop is about what is being written at that moment. */
  #noteStop({ store, engine }: ScriptedPage): void {
    for (const { request } of engine.pending)
      for (const conversation of store.getState().conversations)
        for (const turn of conversation.turns)
          if (
            conversation.pictures.some(({ id }) => id === request.picture.id) &&
            (request.asked.kind === 'caption' || request.asked.question === turn.question)
          )
            this.stopped.add(nameOf(turn, conversation))
  }

  /** Where there was no room, the next thing that is said finds some. */
  async #makeRoom(): Promise<void> {
    await drain(this.pages)
    this.browser.disk.isFull = false
    this.#wasFull = false
    for (const page of this.pages) this.#addPictures(page, 1)
    await drain(this.pages)
  }

  /** The page is closed once the disk has caught up, whatever is being written, and another takes its place. */
  async #reload(index: number): Promise<void> {
    if (this.#wasFull) await this.#makeRoom()
    else await drain(this.pages)
    this.pages[index]?.die()
    this.stacks[index] = []
    this.pages[index] = await openScriptedPage(this.browser)
    this.#watch(index)
  }

  /** Lets everything come to an end. */
  async end(): Promise<void> {
    await this.#makeRoom()
    for (const { store } of this.pages)
      if (store.getState().model.status !== 'ready') void store.getState().loadModel()
    await drain(this.pages, { engines: true })
  }

  namesOn({ store }: ScriptedPage): string[] {
    return store.getState().conversations.flatMap((one) => one.turns.map((turn) => nameOf(turn, one)))
  }

  /** What lies on the disk and is not removed, by its id. */
  async onDisk(): Promise<Map<string, Conversation>> {
    const { kept } = await this.browser.library.conversations()
    const shown = kept.flatMap((one) => toShown(one) ?? [])
    return new Map(shown.map((one) => [one.id, one]))
  }
}
