/** Calls to the thread in which models run. */
import type { BatchRequest } from './batch-work.ts'
import type { AttendRequest, ClassifyRequest, EmbedRequest, MatchRequest } from './compare.ts'
import type { SearchRequest } from './search.ts'
import type { AskRequest, CaptionRequest, TraceRequest } from './talk.ts'

/** A line for stdout or for stderr. */
export type Line = { print: string } | { remark: string }

export interface TalkCalls {
  /** Gives how many of several pictures could not be captioned. */
  caption: { in: CaptionRequest; event: Line; out: number }
  /** Gives how many pictures of a folder failed. */
  batch: { in: BatchRequest; event: Line; out: number }
  /** Gives how many questions were answered without a word. */
  ask: { in: AskRequest; event: Line; out: number }
  trace: { in: TraceRequest; event: Line; out: null }
  /** These give how many of several pictures could not be read. */
  match: { in: MatchRequest; event: Line; out: number }
  classify: { in: ClassifyRequest; event: Line; out: number }
  search: { in: SearchRequest; event: Line; out: number }
  embed: { in: EmbedRequest; event: Line; out: null }
  attend: { in: AttendRequest; event: Line; out: null }
}
