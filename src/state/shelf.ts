/**
 * The conversations that this page holds, and their way to and from where they are kept. Every change is made here at
 * once and merged into what is kept a moment later; what other pages write there is merged into what is here.
 */
import type { Conversation } from '../conversation/conversation.ts'
import { isGoneForGood, tabsIn, toKept, toShown, withFinal, withoutTab } from '../conversation/kept.ts'
import type { KeptConversation } from '../conversation/kept.ts'
import type { ConversationLibrary, Tabs } from '../conversation/library.ts'
import { isSame, merge } from '../conversation/merge.ts'
import { AppError, toFailure, type Failure } from '../pack/failure.ts'
import type { AnswerProgress } from '../protocol/engine-calls.ts'
import type { EngineAccess } from './engine-access.ts'
import type { GetState, SetState } from './store.ts'
import { WritingDown } from './writing-down.ts'

export interface ConversationDependencies {
  library: ConversationLibrary
  tabs: Tabs<AnswerProgress>
  newId: () => string
  /** Milliseconds since 1970. */
  now: () => number
}

/** Days after which even the mark that something was removed goes: no page is open that long with the old version. */
const MARK_DAYS = 30
/** Days that a picture may lie here without a conversation, which comes right behind it or never. */
const STRAY_DAYS = 1
const DAY_MS = 86_400_000

export class Shelf {
  readonly #set: SetState
  readonly #get: GetState
  readonly #engine: EngineAccess
  readonly #dependencies: ConversationDependencies
  readonly #records = new Map<string, KeptConversation>()
  readonly #writing: WritingDown
  /** What was said last of what could not be kept. */
  #unkept: Failure | null = null
  /** Pictures of a conversation that are to be kept where they are not, by its id. */
  readonly #due = new Map<string, ReadonlySet<string>>()
  readonly #watched = new Set<string>()
  readonly #gone = new Set<string>()
  /** Told of each conversation that has changed, here or elsewhere. */
  onChange: (kept: KeptConversation) => void = () => undefined
  /** Told of each page that is gone. */
  onTabGone: (tab: string) => void = () => undefined

  constructor(set: SetState, get: GetState, engine: EngineAccess, dependencies: ConversationDependencies) {
    this.#set = set
    this.#get = get
    this.#engine = engine
    this.#dependencies = dependencies
    this.#writing = new WritingDown({
      keep: (id) => this.#keep(id),
      say: (failure) => this.#say(failure),
    })
    dependencies.tabs.listen((news) => {
      if (news.kind === 'changed') this.#heed(news.conversationId, news.revision)
      else if (news.kind === 'brought') this.#read(news.conversationIds)
    })
  }

  /** As it is shown; undefined when it is not there or removed. */
  find(id: string | null): Conversation | undefined {
    return this.#get().conversations.find((one) => one.id === id)
  }

  current(): Conversation | undefined {
    return this.find(this.#get().currentId)
  }

  kept(id: string): KeptConversation | undefined {
    return this.#records.get(id)
  }

  /** Begins a conversation with the files of its pictures, and shows it. */
  add(conversation: Conversation, images: Record<string, Blob>): void {
    this.#set({ images: { ...this.#get().images, ...images } })
    this.#put([toKept(conversation)])
    this.#set({ place: 'talk', currentId: conversation.id })
    this.keepPictures(conversation)
  }

  /** Has this page and the others show conversations that were kept just now, the first of them opened. */
  show(brought: readonly KeptConversation[], images: Record<string, Blob>): void {
    for (const kept of brought) this.#records.set(kept.id, kept)
    const { conversations } = this.#get()
    const shown = brought.flatMap((kept) => toShown(kept) ?? [])
    const [first] = shown
    this.#set({
      conversations: [...shown, ...conversations],
      images: { ...this.#get().images, ...images },
      ...(first !== undefined && { place: 'talk', currentId: first.id }),
    })
    this.#dependencies.tabs.post({ kind: 'brought', conversationIds: brought.map(({ id }) => id) })
  }

  /** Changes a conversation that is there, and keeps the change. */
  change(id: string, to: (kept: KeptConversation) => KeptConversation): void {
    const before = this.#records.get(id)
    const after = before === undefined ? before : to(before)
    if (after === undefined || after === before) return
    this.#put([{ ...after, changedAt: this.#dependencies.now() }])
    this.#writing.save(id)
  }

  /** Makes a removal final, and lets go of the pictures that went with it. */
  finalise(conversationId: string, removalId: string): void {
    this.#letGo(conversationId, (kept) => withFinal(kept, removalId))
  }

  /** Keeps a conversation and those of its pictures that are not kept: they are new, or another page has let go of them. */
  keepPictures({ id, pictures }: Conversation): void {
    this.#due.set(id, new Set(pictures.map((picture) => picture.id)))
    this.#writing.save(id)
  }

  /** Tries again what could not be kept. For whoever may have made room. */
  keepAgain(): void {
    this.#writing.again()
  }

  /** Does something whose failure concerns all that is kept. */
  attempt(work: () => Promise<unknown>): void {
    void work().catch((error: unknown) => this.#set({ libraryFailure: toFailure(error) }))
  }

  /** Brings everything that is kept onto this page, and clears away what earlier visits left behind. */
  async restore(): Promise<void> {
    const { library, now } = this.#dependencies
    const { kept: all, damaged } = await library.conversations()
    if (damaged > 0) this.#set({ libraryFailure: toFailure(setAside(damaged)) })
    const records = all.sort((a, b) => b.changedAt - a.changedAt)
    const old = now() - MARK_DAYS * DAY_MS
    const expired = records.filter((one) => isGoneForGood(one) && one.changedAt < old).map(({ id }) => id)
    const kept = records.filter(({ id }) => !expired.includes(id))
    const found = await Promise.all(kept.map((one) => this.#imagesOf(one)))
    this.#set({ images: Object.assign({}, ...found, this.#get().images) as Record<string, Blob> })
    const added = kept.filter(({ id }) => !this.#records.has(id))
    for (const one of kept) {
      if (this.#records.has(one.id)) this.#adopt([one])
      else if (!hasEnded(one)) this.#records.set(one.id, one)
    }
    const { conversations } = this.#get()
    this.#set({ conversations: [...conversations, ...added.flatMap((one) => toShown(one) ?? [])] })
    for (const one of kept) this.#watch(one)
    await library.forget(expired)
    // Pictures of what cannot be read now may be wanted when it can.
    if (damaged === 0) await this.#clearStrays()
  }

  /** Takes in what is kept of conversations now. */
  #adopt(all: readonly KeptConversation[]): void {
    const merged = all.map((kept) => {
      const mine = this.#records.get(kept.id)
      return mine === undefined ? kept : merge(withOwn(kept, mine, this.#dependencies.tabs.id), mine)
    })
    const isNew = (one: KeptConversation): boolean => {
      const mine = this.#records.get(one.id)
      return mine === undefined || !isSame(one, mine)
    }
    const changed = merged.filter(isNew)
    for (const one of merged) this.#records.set(one.id, one)
    if (changed.length > 0) this.#put(changed)
    for (const one of merged) {
      if (hasEnded(one) && !this.#writing.isDue(one.id)) this.#records.delete(one.id)
      this.#watch(one)
    }
  }

  /** Has the page show conversations as they are now, those that are new to it first. */
  #put(changed: readonly KeptConversation[]): void {
    for (const kept of changed) this.#records.set(kept.id, kept)
    const { conversations, currentId } = this.#get()
    const now = new Map(changed.map((kept) => [kept.id, toShown(kept)]))
    const there = new Set(conversations.map(({ id }) => id))
    const added = [...now].flatMap(([id, shown]) => (there.has(id) ? [] : (shown ?? [])))
    const rest = conversations.flatMap((one) => {
      const shown = now.get(one.id)
      return shown === undefined ? one : (shown ?? [])
    })
    const isGone = currentId !== null && now.get(currentId) === null
    this.#set({ conversations: [...added, ...rest], currentId: isGone ? null : currentId })
    for (const kept of changed) this.onChange(kept)
  }

  /** Keeps a conversation behind its pictures: without them it is of less use, and what has no room for them has some for words. */
  async #keep(id: string): Promise<void> {
    await this.#dependencies.tabs.present
    const failed = await this.#keepDue(id).catch((error: unknown) => ({ error }))
    await this.#merge(id)
    if (failed !== undefined) throw failed.error
  }

  async #keepDue(id: string): Promise<void> {
    const { library, now } = this.#dependencies
    const due = this.#due.get(id)
    if (due === undefined) return
    for (const { id: pictureId } of this.#records.get(id)?.pictures ?? []) {
      const image = this.#get().images[pictureId]
      if (!due.has(pictureId) || image === undefined || (await library.picture(pictureId)) !== undefined)
        continue
      await library.keepPicture({ id: pictureId, image, addedAt: now() })
    }
    // More may have become due meanwhile.
    if (this.#due.get(id) === due) this.#due.delete(id)
  }

  /** Once all is kept after all, nobody is told any more that it is not. */
  #say(failure: Failure | null): void {
    if (failure !== null || this.#get().libraryFailure === this.#unkept)
      this.#set({ libraryFailure: failure })
    this.#unkept = failure
  }

  async #merge(id: string): Promise<void> {
    const { library, tabs } = this.#dependencies
    const record = this.#records.get(id)
    if (record === undefined) return
    const kept = await library.merge(record)
    tabs.post({ kind: 'changed', conversationId: id, revision: kept.revision })
    this.#adopt([kept])
  }

  /** Another page wrote a conversation. */
  #heed(id: string, revision: number): void {
    if ((this.#records.get(id)?.revision ?? -1) < revision) this.#read([id])
  }

  /** Takes in what is kept of conversations, all together: each by itself would have the page drawn as often. */
  #read(ids: readonly string[]): void {
    this.attempt(async () => {
      const { library } = this.#dependencies
      const found = await Promise.all(ids.map((id) => library.conversation(id)))
      const kept = found.filter((one) => one !== undefined)
      const images = await Promise.all(kept.map((one) => this.#imagesOf(one)))
      if (images.some((one) => Object.keys(one).length > 0))
        this.#set({ images: Object.assign({}, this.#get().images, ...images) as Record<string, Blob> })
      if (kept.length > 0) this.#adopt(kept)
    })
  }

  /** Files of those pictures of a conversation that this page has not got yet. */
  async #imagesOf({ pictures }: KeptConversation): Promise<Record<string, Blob>> {
    const images: Record<string, Blob> = {}
    for (const { id } of pictures) {
      if (id in this.#get().images) continue
      // Without this picture its conversation can still be read.
      const stored = await this.#dependencies.library.picture(id).catch(() => undefined)
      if (stored !== undefined) images[id] = stored.image
    }
    return images
  }

  /** What other pages left here to do is theirs for as long as they live. */
  #watch(kept: KeptConversation): void {
    const { tabs } = this.#dependencies
    for (const tab of tabsIn(kept)) {
      if (tab === tabs.id) continue
      if (this.#gone.has(tab)) this.#letGo(kept.id, (one) => withoutTab(one, tab))
      else if (!this.#watched.has(tab)) {
        this.#watched.add(tab)
        void tabs.untilGone(tab).then(() => this.#takeOver(tab))
      }
    }
  }

  #takeOver(tab: string): void {
    this.#gone.add(tab)
    this.onTabGone(tab)
    for (const id of [...this.#records.keys()]) this.#letGo(id, (kept) => withoutTab(kept, tab))
  }

  /** A change after which some pictures may belong to nothing any more. */
  #letGo(id: string, to: (kept: KeptConversation) => KeptConversation): void {
    const before = this.#records.get(id)
    this.change(id, to)
    const after = this.#records.get(id)
    if (before === undefined || after === before || after?.pictures.length === before.pictures.length) return
    this.attempt(() => this.#forgetPictures(before.pictures.map((picture) => picture.id)))
  }

  async #forgetPictures(ids: readonly string[]): Promise<void> {
    const used = new Set([...this.#records.values()].flatMap(({ pictures }) => pictures.map(({ id }) => id)))
    const gone = ids.filter((id) => !used.has(id))
    if (gone.length === 0) return
    const images = Object.entries(this.#get().images).filter(([id]) => !gone.includes(id))
    this.#set({ images: Object.fromEntries(images) })
    await this.#dependencies.library.removePictures(gone)
    this.keepAgain()
    // Without a model there is nobody who remembers; what is left over is small.
    await this.#engine.call('forget', { pictureIds: gone }).catch(() => undefined)
  }

  /** Pictures that a page kept before it died, so that their conversation never followed. */
  async #clearStrays(): Promise<void> {
    const { library, now } = this.#dependencies
    const used = new Set([...this.#records.values()].flatMap(({ pictures }) => pictures.map(({ id }) => id)))
    const strays: string[] = []
    for (const id of await library.pictureIds()) {
      if (used.has(id)) continue
      const { addedAt = 0 } = (await library.picture(id)) ?? {}
      if (addedAt < now() - STRAY_DAYS * DAY_MS) strays.push(id)
    }
    await this.#forgetPictures(strays)
  }
}

/**
 * Nothing of it will change any more. Where it is kept there is a mark of that, for pages that come with an older version;
 * in a page that stays open for long such marks would be more and more.
 */
function hasEnded(kept: KeptConversation): boolean {
  return isGoneForGood(kept) && tabsIn(kept).size === 0
}

function setAside(damaged: number): AppError {
  const what = damaged === 1 ? 'One conversation' : `${damaged} conversations`
  return new AppError(
    'corrupt',
    `${what} kept in this browser cannot be read and stay${damaged === 1 ? 's as it is' : ' as they are'}; all others are here.`,
  )
}

/** What this page can undo it knows best: another that could not tell that it lives may have made it final. */
function withOwn(kept: KeptConversation, mine: KeptConversation, tab: string): KeptConversation {
  const own = mine.removals.filter((one) => one.tab === tab && one.status === 'undoable')
  if (own.length === 0) return kept
  const removals = kept.removals.map((theirs) => own.find(({ id }) => id === theirs.id) ?? theirs)
  return { ...kept, removals }
}
