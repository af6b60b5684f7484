/** What a conversion would take and give, from the configuration, the headers and a few rows: nothing is converted yet. */
import type { FileTree } from '../pack/bytes.ts'
import type { Precision } from '../pack/manifest.ts'
import type { PlannedPack } from '../pack/model-needs.ts'
import { readLicence } from './model-card.ts'
import { openAndPlan, type ConversionCost, type OpenOptions } from './open.ts'
import { readPreprocessing } from './preprocessing.ts'
import { readTokenizer } from './tokenizer/read-tokenizer.ts'

export interface CheckpointReport {
  parameters: number
  /** What the pack will be. */
  pack: PlannedPack
  /** What it most likely takes and gives, tokenizer aside. */
  likely: ConversionCost
  /** What it takes and gives at most: the same, unless a few equal rows made two stored tensors seem one. */
  most: ConversionCost
  /** Path of the largest file that they are in. */
  largestFile: string
  /** The largest single tensor of the pack: what one GPU buffer must hold. */
  largestTensorBytes: number
  licence: string | null
  licenceNotice?: string
}

/** Throws `not-found`, `unsupported-model`, `bad-checkpoint` or `bad-usage` like the conversion itself. */
export async function inspectCheckpoint(
  tree: FileTree,
  precision: Precision,
  { choices, signal }: Pick<OpenOptions, 'choices' | 'signal'> = {},
): Promise<CheckpointReport> {
  const opened = await openAndPlan(tree, precision, { compare: 'likely', choices, signal })
  const { parameters, plan, cost, most, largestTensorBytes } = opened
  // Small, and what is wrong with them is better known now than after the weights have come.
  await readPreprocessing(opened.tree, opened.model.imageSize)
  await readTokenizer(opened.tree, opened.config)
  const { licenceNotice } = opened.model
  return {
    parameters,
    pack: { ...plan.model, precision, files: plan.weights.map(({ path, bytes }) => ({ path, bytes })) },
    likely: cost,
    most,
    largestFile: opened.checkpoint.files.reduce((a, b) => (b.bytes > a.bytes ? b : a)).path,
    largestTensorBytes,
    licence: await readLicence(opened.tree, opened.published),
    ...(licenceNotice !== undefined && { licenceNotice }),
  }
}
