/** Pages in which nothing happens by itself: each step of the engine, the disk and the channel is let through by a test. */
import type { KeptConversation } from '../../src/conversation/kept.ts'
import type { ConversationLibrary, StoredPicture, TabNews } from '../../src/conversation/library.ts'
import { AppError, type Failure } from '../../src/pack/failure.ts'
import type { Answered, AnswerProgress, AnswerRequest, EngineCalls } from '../../src/protocol/engine-calls.ts'
import type { Handlers } from '../../src/protocol/rpc.ts'
import type { AppStore } from '../../src/state/store.ts'
import type { Channel } from '../../src/store/channel.ts'
import { openTab } from '../../src/store/tabs.ts'
import { ANSWERED, clientOf, loaded, LOOKED, LOST, storeOf, type FakeBrowser } from './fake-browser.ts'

/** Everything that waits for nothing but its turn has happened afterwards. */
export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** What passes here waits until it is let through, in the order of its coming. */
class Gate {
  readonly #waiting: (() => void)[] = []

  pass(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Lets the first through; false when nobody waits. */
  open(): boolean {
    const first = this.#waiting.shift()
    first?.()
    return first !== undefined
  }

  /** Nobody comes through any more. */
  shut(): void {
    this.#waiting.length = 0
    this.#waiting.push = () => 0
  }
}

interface PendingAnswer {
  request: AnswerRequest
  signal: AbortSignal
  report: (progress: AnswerProgress) => void
  text: string
  resolve: (answered: Answered) => void
  reject: (error: AppError) => void
}

let said = 0

/** Writes when it is told to; heeds a signal at its next step, as a real one does. */
export class ScriptedEngine {
  readonly pending: PendingAnswer[] = []
  #lose: (failure: Failure) => void = () => undefined
  #alive = true

  readonly handlers: Handlers<EngineCalls> = {
    load: () => Promise.resolve(loaded('one')),
    untilLost: () => new Promise((resolve) => (this.#lose = resolve)),
    untilChecked: () => Promise.resolve(null),
    untilStepsKnown: () => Promise.resolve(null),
    towerStates: () => Promise.resolve(null),
    look: () => Promise.resolve(LOOKED),
    answer: (request, report, signal) =>
      new Promise((resolve, reject) => {
        this.pending.push({ request, report, signal, text: '', resolve, reject })
      }),
    forget: () => Promise.resolve(null),
    changeMemory: () => Promise.resolve({ keepsAll: true, why: { kind: 'chosen' } }),
    speed: () => Promise.resolve([]),
    ping: () => Promise.resolve(null),
    unload: () => Promise.resolve(null),
  }

  write(): void {
    const [one] = this.pending
    if (one === undefined || one.signal.aborted) return
    one.text = `words ${(said += 1)}`
    one.report({ stage: 'writing', text: one.text, tokens: 1 })
  }

  /** Ends the answer under way: at its end, or with what is there where it was told to stop. False when there is none. */
  finish(): boolean {
    const one = this.pending.shift()
    if (one === undefined) return false
    if (one.signal.aborted)
      one.resolve({ ...ANSWERED, text: one.text, answers: [], look: null, finish: 'stopped' })
    else one.resolve({ ...ANSWERED, text: `all the words ${(said += 1)}` })
    return true
  }

  fail(): void {
    this.pending.shift()?.reject(new AppError('out-of-memory', 'Too large.'))
  }

  loseDevice(): void {
    for (const one of this.pending.splice(0)) one.reject(new AppError(LOST.code, LOST.message))
    if (this.#alive) this.#lose(LOST)
  }

  /** The page is gone, and whoever waits for an answer waits for ever. */
  end(): void {
    this.#alive = false
    this.pending.length = 0
  }
}

export interface ScriptedPage {
  store: AppStore
  engine: ScriptedEngine
  /** Lets one step of the disk or of the channel through; false when there is none. */
  step: () => boolean
  /** The page dies, with what it was about to do. */
  die: () => void
}

let tabs = 0

export async function openScriptedPage(browser: FakeBrowser): Promise<ScriptedPage> {
  const gate = new Gate()
  const engine = new ScriptedEngine()
  const tab = openTab(`tab${(tabs += 1)}`, browser.locks, delayed(browser.channel.join(), gate))
  const store = storeOf({
    client: clientOf(engine.handlers),
    library: delayedLibrary(browser, gate),
    tabs: tab,
  })
  const page: ScriptedPage = {
    store,
    engine,
    step: () => gate.open(),
    die: () => {
      gate.shut()
      engine.end()
      tab.close()
    },
  }
  void store.getState().restoreConversations()
  void store.getState().loadModel()
  await drain([page])
  return page
}

/** Lets everything through that disk and channels hold, and with `engines` all answers, until nothing happens any more. */
export async function drain(pages: readonly ScriptedPage[], { engines = false } = {}): Promise<void> {
  for (;;) {
    await tick()
    let moved = false
    for (const page of pages) while (page.step()) moved = true
    await tick()
    if (!moved && engines) for (const { engine } of pages) moved = engine.finish() || moved
    if (!moved) return
  }
}

function delayed(channel: Channel<TabNews<AnswerProgress>>, gate: Gate): Channel<TabNews<AnswerProgress>> {
  return {
    post: (news) => channel.post(news),
    listen: (hear) => channel.listen((news) => void gate.pass().then(() => hear(news))),
  }
}

function delayedLibrary({ library, disk }: FakeBrowser, gate: Gate): ConversationLibrary {
  const after =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      // What is written is what it was when it was handed over.
      const copies = structuredClone(args)
      await gate.pass()
      return work(...copies)
    }
  const writing =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      disk.isFull ? Promise.reject(new AppError('no-space', 'The disk is full.')) : work(...args)
  return {
    conversations: after(() => library.conversations()),
    conversation: after((id: string) => library.conversation(id)),
    merge: after(writing((conversation: KeptConversation) => library.merge(conversation))),
    addAll: after(writing((added: readonly KeptConversation[]) => library.addAll(added))),
    forget: after((ids: readonly string[]) => library.forget(ids)),
    picture: after((id: string) => library.picture(id)),
    pictureIds: after(() => library.pictureIds()),
    keepPicture: after(writing((one: StoredPicture) => library.keepPicture(one))),
    removePictures: after((ids: readonly string[]) => library.removePictures(ids)),
  }
}
