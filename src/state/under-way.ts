/** Which answers are being written, on this page and on others. Nobody keeps that: pages tell each other as it happens. */
import type { AnswerPlace } from '../conversation/kept.ts'
import type { AnswerProgress } from '../protocol/engine-calls.ts'
import type { AppState, GetState, SetState } from './store.ts'
import type { ConversationDependencies } from './shelf.ts'

/** An answer on which some page is at work this moment. */
export interface UnderWay {
  conversationId: string
  /** The page that writes it. */
  tab: string
  progress: AnswerProgress
}

/** Names one answer among all. */
export function answerKey(turnId: string, pictureId: string): string {
  return `${turnId} ${pictureId}`
}

/** Whether anything of a conversation is being written, on any page. */
export function isBusy({ underWay }: Pick<AppState, 'underWay'>, conversationId: string | null): boolean {
  return Object.values(underWay).some((one) => one.conversationId === conversationId)
}

/** Whether this page is writing an answer. */
export function isWritingHere({ underWay, tab }: Pick<AppState, 'underWay' | 'tab'>): boolean {
  return Object.values(underWay).some((one) => one.tab === tab)
}

/** Other pages hear of progress so often at most; the last word reaches them with the finished answer. */
const TELL_EVERY_MS = 150

/** An answer and the conversation that it is in. */
type ReportedAnswer = Pick<AnswerPlace, 'turnId' | 'pictureId' | 'tab'> & { conversationId: string }

export class AnswersUnderWay {
  readonly #set: SetState
  readonly #get: GetState
  readonly #dependencies: Pick<ConversationDependencies, 'tabs' | 'now'>
  #toldAt = -Infinity

  constructor(set: SetState, get: GetState, dependencies: Pick<ConversationDependencies, 'tabs' | 'now'>) {
    this.#set = set
    this.#get = get
    this.#dependencies = dependencies
    dependencies.tabs.listen((news) => {
      if (news.kind !== 'progress') return
      const { tab, conversationId, answer, progress } = news
      if (progress !== null) this.#show(answer, { tab, conversationId, progress })
      else this.#hide((one, key) => key === answer && one.tab === tab)
    })
  }

  /** Shows how far a job of this page is, and now and then tells the others; null when it is over, which they always hear. */
  report({ turnId, pictureId, conversationId, tab }: ReportedAnswer, progress: AnswerProgress | null): void {
    const answer = answerKey(turnId, pictureId)
    if (progress === null) this.#hide((one, key) => key === answer && one.tab === tab)
    else this.#show(answer, { tab, conversationId, progress })
    const { tabs, now } = this.#dependencies
    if (progress !== null && now() - this.#toldAt < TELL_EVERY_MS) return
    this.#toldAt = progress === null ? -Infinity : now()
    tabs.post({ kind: 'progress', tab, conversationId, answer, progress })
  }

  /** What a page that is gone was writing is under way no more. */
  tabGone(tab: string): void {
    this.#hide((one) => one.tab === tab)
  }

  #show(answer: string, underWay: UnderWay): void {
    this.#set({ underWay: { ...this.#get().underWay, [answer]: underWay } })
  }

  /** Takes back what was shown of answers that nobody writes any more. */
  #hide(isOver: (one: UnderWay, answer: string) => boolean): void {
    const rest = Object.entries(this.#get().underWay).filter(([answer, one]) => !isOver(one, answer))
    this.#set({ underWay: Object.fromEntries(rest) })
  }
}
