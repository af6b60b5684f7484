/** Calls to the thread in which models run. */
import type { BatchRequest } from './batch.ts'
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
}
