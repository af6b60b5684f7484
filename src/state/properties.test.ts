/**
 * Whatever people do, in whatever order, on one page and on two: nothing that was asked is lost, what is deleted stays
 * deleted until it is undone, and where nothing is to be done nothing is under way.
 *
 * PICTALK_PROPERTY_RUNS and PICTALK_PROPERTY_SEED have it run longer, or once more.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakeBrowser, picture, type FakeBrowser } from '../../testing/state/fake-browser.ts'
import { drain, openScriptedPage, tick, type ScriptedPage } from '../../testing/state/scripted-page.ts'
import { shownTurns, type Conversation, type Turn } from '../conversation/conversation.ts'
import { toShown } from '../conversation/kept.ts'
import { MOST_UNDOABLE } from './undo.ts'

const seed = Number(process.env['PICTALK_PROPERTY_SEED'] ?? Date.now() % 2 ** 31)
const numRuns = Number(process.env['PICTALK_PROPERTY_RUNS'] ?? 60)

const ACTIONS = [
  ...['ask', 'ask', 'ask', 'send', 'ask again', 'ask again', 'choose', 'add pictures', 'open'],
  ...['delete turn', 'delete turn', 'delete conversation', 'undo', 'undo', 'stop', 'stop', 'retry'],
  ...['write', 'write', 'finish', 'finish', 'finish', 'fail', 'lose device', 'load', 'change model'],
  ...['step', 'step', 'step', 'step', 'reload'],
] as const

interface Action {
  what: (typeof ACTIONS)[number]
  page: number
  /** Which of the things that can be meant is meant. */
  which: number
}

const actions = fc.array(
  fc.record<Action>({
    what: fc.constantFrom(...ACTIONS),
    page: fc.nat({ max: 1 }),
    which: fc.nat({ max: 50 }),
  }),
  // Long ones from the start: what goes wrong takes several steps.
  { maxLength: 60, size: 'max' },
)

/** One press of Remove or Delete: the names of the turns that it took, and of the conversation where it took all. */
interface Press {
  names: Set<string>
  conversationId: string | null
  undone: boolean
}

/** What a turn is called here: its question, of which there is only one, or its first picture. */
function nameOf(turn: Turn, { pictures }: Conversation): string {
  return turn.question ?? pictures[0]?.name ?? ''
}

function pick<T>(list: readonly T[], which: number): T | undefined {
  return list[which % Math.max(1, list.length)]
}

/** Pages over one browser, and beside them a record of what people did and saw. */
class World {
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
          if (answer.facts.finish === 'stopped' && !this.stopped.has(name))
            this.complaints.push(`nobody wanted ${name} to stop`)
        }
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
    if (turns === null)
      for (const [name, id] of this.asked) if (id === conversation.id) this.stopped.add(name)
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

  /** The page is closed once the disk has caught up, whatever is being written, and another takes its place. */
  async #reload(index: number): Promise<void> {
    await drain(this.pages)
    this.pages[index]?.die()
    this.stacks[index] = []
    this.pages[index] = await openScriptedPage(this.browser)
    this.#watch(index)
  }

  /** Lets everything come to an end. */
  async end(): Promise<void> {
    await drain(this.pages)
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

const sorted = (names: Iterable<string>): string[] => [...names].sort()

/** Nothing waits and nothing is under way where a model is ready and the engine has nothing to do. */
function expectRest({ store, engine }: ScriptedPage): void {
  const { model, conversations, underWay, tab } = store.getState()
  if (model.status !== 'ready' || engine.pending.length > 0) return
  expect(Object.values(underWay).filter((one) => one.tab === tab)).toEqual([])
  const waiting = conversations
    .flatMap(({ turns }) => turns)
    .flatMap(({ answers }) => Object.values(answers))
    .filter((answer) => answer.status === 'waiting' && answer.tab === tab)
  expect(waiting).toEqual([])
}

/** Both pages and the disk say the same: all that was asked and not removed, each once, answered as it was shown. */
async function expectAllKept(world: World): Promise<void> {
  const disk = await world.onDisk()
  const turns = [...disk.values()].flatMap((one) => one.turns.map((turn) => nameOf(turn, one)))
  expect(sorted(turns)).toEqual(sorted(world.living))
  for (const page of world.pages) {
    const { conversations, underWay } = page.store.getState()
    expect(new Map(conversations.map((one) => [one.id, one]))).toEqual(disk)
    expect(underWay).toEqual({})
    expectRest(page)
  }
  for (const conversation of disk.values()) {
    for (const turn of conversation.turns) {
      for (const [pictureId, answer] of Object.entries(turn.answers)) {
        const shown = world.finished.get(`${nameOf(turn, conversation)} ${pictureId}`)
        expect(answer.status).not.toBe('waiting')
        if (shown !== undefined) expect(answer).toMatchObject({ status: 'done', text: shown })
      }
    }
    // Every turn can be come to.
    expect(shownTurns(conversation).length > 0 || conversation.turns.length === 0).toBe(true)
  }
}

describe('whatever people do', () => {
  it(`on one page, nothing asked is lost and nothing is under way for ever (seed ${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (list) => {
        const world = await World.of(1)
        const [page] = world.pages
        await world.act({ what: 'add pictures', page: 0, which: 1 })
        for (const action of list) {
          await world.act(action)
          const [now = page] = world.pages
          if (now === undefined) continue
          expect(sorted(world.namesOn(now)), action.what).toEqual(sorted(world.living))
          expectRest(now)
        }
        await world.end()
        await expectAllKept(world)
        // All that can still be brought back comes back.
        while ((world.stacks[0]?.length ?? 0) > 0) await world.act({ what: 'undo', page: 0, which: 0 })
        await world.end()
        await expectAllKept(world)
      }),
      { seed, numRuns },
    )
  })

  it(`on two pages, every finished answer is in the end on the disk, once (seed ${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (list) => {
        const world = await World.of(2)
        await world.act({ what: 'add pictures', page: 0, which: 1 })
        await drain(world.pages)
        for (const action of list) {
          await world.act(action)
          for (const page of world.pages) expectRest(page)
        }
        await world.end()
        await expectAllKept(world)
      }),
      { seed, numRuns },
    )
  })
})
