/** What a conversion would take and give, from the configuration and the headers alone: nothing is converted yet. */
import { readText, type FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import type { PackModel } from '../pack/families.ts'
import type { Precision } from '../pack/manifest.ts'
import { modelOf } from './families/model.ts'
import { checkSources, countParameters } from './checks.ts'
import { openCheckpoint } from './checkpoint.ts'
import { sourceBytesOf } from './produce.ts'
import { readLicence } from './model-card.ts'
import { outputsOf } from './weights.ts'

export interface CheckpointReport {
  parameters: number
  model: PackModel
  /** Bytes of weights that are read. */
  fetchBytes: number
  /** The same for each weights file. */
  parts: { path: string; bytes: number }[]
  /** Path of the largest file that they are in. */
  largestFile: string
  /** Bytes of the pack, tokenizer aside. */
  keepBytes: number
  /** The largest single tensor of the pack: what one GPU buffer must hold. */
  largestTensorBytes: number
  licence: string | null
  licenceNotice?: string
}

/** Throws `not-found`, `unsupported-model` or `bad-checkpoint` like the conversion itself. */
export async function inspectCheckpoint(
  tree: FileTree,
  precision: Precision,
  signal?: AbortSignal,
): Promise<CheckpointReport> {
  const configText = await readText(tree, 'config.json')
  if (configText === undefined)
    throw new AppError('not-found', 'There is neither a pack nor a checkpoint: no pack.json, no config.json.')
  const parsed = modelOf(configText)
  const checkpoint = await openCheckpoint(tree, signal)
  const described = parsed.named(checkpoint)
  const { weights, graphs, model } = described.plan(precision)
  checkSources(weights, checkpoint)
  const recipes = weights.flatMap((plan) => plan.recipes)
  const sum = (list: { bytes: number }[]): number => list.reduce((total, { bytes }) => total + bytes, 0)
  const { notice } = described
  return {
    parameters: countParameters(weights),
    model,
    fetchBytes: sourceBytesOf(recipes, checkpoint),
    parts: weights.map(({ path, recipes: own }) => ({ path, bytes: sourceBytesOf(own, checkpoint) })),
    largestFile: checkpoint.files.reduce((a, b) => (b.bytes > a.bytes ? b : a)).path,
    keepBytes: sum(weights) + graphs.reduce((total, { bytes }) => total + bytes.length, 0),
    largestTensorBytes: Math.max(...recipes.flatMap(outputsOf).map(({ bytes }) => bytes)),
    licence: await readLicence(tree),
    ...(notice !== undefined && { licenceNotice: notice }),
  }
}
