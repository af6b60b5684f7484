/** What is asked of lab/speed/side-by-side/ladder.worker.ts, and what it answers. */
import type { StepMedians } from './answer.ts'

/**
 * The same decoder from what an exporter gives to what we run, a change at a time, all on our ONNX Runtime:
 * the exporter's graph, whose keys and values are made anew and longer by each step; our graph, otherwise the same;
 * keys and values in buffers that stay, written in place; and steps replayed from a recording.
 */
export const RUNGS = ['exporter', 'fused', 'static', 'recorded'] as const
export type Rung = (typeof RUNGS)[number]

export interface LadderRequest {
  base: string
  /** Steps that count in each round. */
  tokens: number
  rounds: number
  promptTokens: number
  vocabulary: number
  /** What the exporter's graph calls the file of its weights. */
  exporterWeights: string
}

export type LadderResult = Record<Rung, RungResult>

export interface RungResult {
  /** A round each. */
  steps: StepMedians[]
  /** Of the last round. */
  ids: number[]
  /** Of every token of it, behind one another. */
  logits: number[]
}

/** How far logits may be from another rung's, relative to the largest: float32, summed in another order. */
export const SAME = 1e-3

/** The largest difference of two lists of logits, relative to the largest value of the first. */
export function relativeDifference(expected: readonly number[], given: readonly number[]): number {
  if (expected.length !== given.length) return Infinity
  let most = 0
  let difference = 0
  expected.forEach((value, i) => {
    most = Math.max(most, Math.abs(value))
    difference = Math.max(difference, Math.abs(value - (given[i] ?? NaN)))
  })
  return difference / most
}
