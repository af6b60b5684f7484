/** What `models/drawn-scenes/measurements.json` holds: the counts behind every table of the model card. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PRECISIONS, type Precision } from '../../../src/pack/precisions.ts'
import type { Tally } from '../../../src/scenes/judge.ts'
import type { Combinations } from '../../../src/scenes/scene.ts'
import type { LimitsFigures } from '../limits/measure-limits.ts'
import type { Evaluation } from '../evaluation/tallies.ts'

/** The precision of the pack that comes with the page. */
export const BUILT_IN: Precision = 'q8'

/**
 * Scenes as drawn, of combinations that training had and had not; the former photographed; and the former asked about in
 * all the words that training had, and in others.
 */
export const SETS = ['trained', 'new', 'photographed', 'varied', 'unseen'] as const
export type SetName = (typeof SETS)[number]

export type Answers = { bytes: number } & Partial<Record<SetName, Evaluation>>

type Ranked = Record<'1' | '5' | '10', Tally>

/** As measure_retrieval.py prints it. */
export interface Retrieval {
  scenes: number
  /** Different ones among the scenes' captions. */
  captions: number
  'image to text': Ranked
  'text to image': Ranked
  'image to text, re-ranked': Ranked
  'text to image, re-ranked': Ranked
  matching: Record<'random' | 'most similar', Tally>
}

export interface Measurements {
  answers: Measured<Answers>
  retrieval: Measured<Partial<Record<Combinations, Retrieval>>>
  /** Absent until it was measured; of the built-in precision. */
  limits?: { checkpoint: string } & LimitsFigures
}

/** Figures of one checkpoint, which is told by the hash of its weights: see `checkpointHash`. */
export interface Measured<Figures> {
  checkpoint: string
  precisions: Partial<Record<Precision, Figures>>
}

export const NOTHING: Measurements = {
  answers: { checkpoint: '', precisions: {} },
  retrieval: { checkpoint: '', precisions: {} },
}

/** SHA-256 of a checkpoint's weights, file behind file in the order of their names, in hexadecimal digits. */
export function checkpointHash(folder: string): string {
  const hash = createHash('sha256')
  const shards = readdirSync(folder).filter((name) => name.endsWith('.safetensors'))
  for (const shard of shards.sort()) hash.update(readFileSync(join(folder, shard)))
  return hash.digest('hex')
}

/** What there is, in the order of precisions. */
export function measuredPrecisions<Figures>({
  precisions,
}: Measured<Figures>): { precision: Precision; figures: Figures }[] {
  return PRECISIONS.flatMap((precision) => {
    const figures = precisions[precision]
    return figures === undefined ? [] : [{ precision, figures }]
  })
}

/** The figures to go on with: those of another checkpoint are no longer true. */
export function figuresOf<Figures>(measured: Measured<Figures>, checkpoint: string): Measured<Figures> {
  return measured.checkpoint === checkpoint ? measured : { checkpoint, precisions: {} }
}
