/** A folder that is worked on, and a run over it: what is kept of both between visits. Plain data. */
import type { DecodingSettings } from '../pack/decoding.ts'
import type { Dress, Existing } from './compose.ts'

/** Which of a picture's texts a run writes. */
export const TARGETS = ['caption', 'alt-text', 'long-description'] as const
export type Target = (typeof TARGETS)[number]

/** How pictures are captioned. */
export interface RunSettings {
  target: Target
  /** What a caption goes on from, or what is asked about each picture; with a question `template` says how it is put. */
  asked: { kind: 'caption'; prompt: string } | { kind: 'question'; question: string; template: string }
  decoding: DecodingSettings
  existing: Existing
  dress: Dress
}

export interface CaptionRun {
  id: string
  settings: RunSettings
  /** The pictures that it is to settle, in order. Which of them it has settled they say themselves (`run`). */
  paths: readonly string[]
  status: 'running' | 'paused' | 'ended'
  /** Milliseconds since 1970. */
  startedAt: number
}

export interface Project {
  id: string
  name: string
  /** Milliseconds since 1970. */
  changedAt: number
  /** The folder, where the browser lets it be kept; null for files that have to be chosen again. */
  handle: FileSystemDirectoryHandle | null
  run: CaptionRun | null
  /** As they were chosen last. */
  settings: RunSettings | null
}
