/**
 * The way from a folder to a plan: config.json → family → checkpoint → what its stored tensors settle → everything that
 * will be written. Nothing is converted yet, and whoever wants to know about a checkpoint takes this way.
 */
import type { FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import type { Precision } from '../pack/manifest.ts'
import { checkNoAdapterFile } from './adapters.ts'
import { openCheckpoint, type Checkpoint } from './checkpoint.ts'
import { checkSources, countParameters } from './checks.ts'
import { areSame, bytesToCompare, seemSame } from './compare.ts'
import { readModel } from './families/families.ts'
import type { CheckpointModel, Choices, SameValues } from './families/family.ts'
import { openLavis } from './lavis/open-lavis.ts'
import { whyNoWeights } from './other-layouts.ts'
import { planConversion, type ConversionPlan } from './plan.ts'
import { withoutPointers } from './pointers.ts'
import { sourceBytesOf } from './produce.ts'
import { readTextFile } from './side-files.ts'
import { outputsOf } from './weights.ts'

export interface OpenedCheckpoint {
  /** Where tokenizer, image processor and card are. */
  tree: FileTree
  configText: string
  precision: Precision
  model: CheckpointModel
  checkpoint: Checkpoint
  plan: ConversionPlan
  parameters: number
  /** Bytes of the checkpoint that each weights file is made of. */
  sources: { path: string; bytes: number }[]
  /** Bytes that comparing stored tensors reads beside that: it has, or (where it only looked at some rows) it would. */
  comparedBytes: number
  /** Bytes of weights and graphs. */
  keepBytes: number
  /** The largest single tensor of the pack: what one GPU buffer must hold. */
  largestTensorBytes: number
}

export interface OpenOptions {
  /**
   * How it is found out whether two stored tensors are one: `sure` reads both, as a conversion must; `likely` looks at
   * a few rows of each, so that an offer costs no download. What differs there, differs; what is equal may still not be.
   */
  compare: 'sure' | 'likely'
  choices?: Choices | undefined
  /** Told while tensors are compared: bytes that were read, of all that this and the conversion may read. */
  onCompared?: ((tensor: string, doneBytes: number, totalBytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** Throws `not-found`, `unsupported-model` or `bad-checkpoint`, and `bad-usage` for choices that the model cannot meet. */
export async function openModel(
  given: FileTree,
  precision: Precision,
  { compare, choices, onCompared, signal }: OpenOptions,
): Promise<OpenedCheckpoint> {
  const folder = withoutPointers(given)
  const lavis = await openLavis(folder, signal)
  const tree = lavis?.tree ?? folder
  const configText = lavis?.configText ?? (await readTextFile(folder, 'config.json'))
  if (configText === undefined) throw await whyNoConfig(folder)
  const read = readModel(configText, choices)
  const checkpoint = lavis?.checkpoint ?? (await openCheckpoint(folder, signal))
  let comparedBytes = 0
  const same: SameValues = async (...tensors) => {
    if (tensors[0] === tensors[1]) return true
    let bytes = 0
    const onRead = (tensor: string, done: number, total: number): void => {
      bytes = done
      onCompared?.(tensor, done, total + checkpoint.byteLength)
    }
    const equal =
      compare === 'sure'
        ? await areSame(checkpoint, tensors, { onRead, signal })
        : await seemSame(checkpoint, tensors, signal)
    comparedBytes += compare === 'likely' && equal ? bytesToCompare(checkpoint, tensors) : bytes
    return equal
  }
  const model = await read.settle(checkpoint, same)
  const plan = planConversion(model, precision)
  checkSources(plan.weights, checkpoint)
  const outputs = plan.weights.flatMap(({ recipes }) => recipes.flatMap(outputsOf))
  return {
    tree,
    configText,
    precision,
    model,
    checkpoint,
    plan,
    parameters: countParameters(plan.weights),
    sources: plan.weights.map(({ path, recipes }) => ({ path, bytes: sourceBytesOf(recipes, checkpoint) })),
    comparedBytes,
    keepBytes:
      plan.weights.reduce((sum, { bytes }) => sum + bytes, 0) +
      plan.graphs.reduce((sum, { bytes }) => sum + bytes.length, 0),
    largestTensorBytes: outputs.reduce((most, { bytes }) => Math.max(most, bytes), 0),
  }
}

/** A folder of weights alone, or of an adapter, is no checkpoint, and is told what it is. */
async function whyNoConfig(tree: FileTree): Promise<AppError> {
  await checkNoAdapterFile(tree)
  const why = await whyNoWeights(tree)
  if (why.code === 'unsupported-model') return why
  const nothing = 'There is neither a pack nor a checkpoint here: no pack.json, no config.json.'
  return new AppError('not-found', nothing)
}
