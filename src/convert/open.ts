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
import { Comparisons } from './compare.ts'
import { parseConfig, type Json } from './families/config-json.ts'
import { readModel } from './families/families.ts'
import type { CheckpointModel, Choices } from './families/family.ts'
import { LAVIS_LICENCE, openLavis } from './lavis/open-lavis.ts'
import { whyNoWeights } from './other-layouts.ts'
import { planConversion, type ConversionPlan } from './plan.ts'
import { withoutPointers } from './pointers.ts'
import { sourceBytesOf } from './produce.ts'
import { readTextFile } from './side-files.ts'
import { outputsOf } from './weights.ts'

export interface OpenedCheckpoint {
  /** Where tokenizer, image processor and card are. */
  tree: FileTree
  /** Licences that files of this kind are published under, by the names that cards use, whatever a card beside them says. */
  published: readonly string[]
  /** `config.json`, as text and as what it says. */
  configText: string
  config: Json
  precision: Precision
  model: CheckpointModel
  checkpoint: Checkpoint
  plan: ConversionPlan
  parameters: number
  /** Bytes of the checkpoint that each weights file is made of. */
  sources: { path: string; bytes: number }[]
  /** Bytes that comparing stored tensors reads beside that: it has, or (where it only looked at some rows) it would. */
  comparedBytes: number
  cost: ConversionCost
  /** `cost` where the comparisons were sure; else what it comes to where tensors that seem to be one are not. */
  most: ConversionCost
  /** The largest single tensor of the pack: what one GPU buffer must hold. */
  largestTensorBytes: number
}

/** What a conversion takes and gives. */
export interface ConversionCost {
  /** Bytes of weights that are read, those that are read twice counted twice. */
  fetchBytes: number
  /** Bytes of weights and graphs that are written. */
  keepBytes: number
}

export interface OpenOptions {
  compare: 'sure' | 'likely'
  choices?: Choices | undefined
  /** Told while tensors are compared: bytes that were read, of all that this and the conversion may read. */
  onCompared?: ((tensor: string, doneBytes: number, totalBytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** Throws `not-found`, `unsupported-model` or `bad-checkpoint`, and `bad-usage` for choices that the model cannot meet. */
export async function openAndPlan(
  given: FileTree,
  precision: Precision,
  { compare, choices, onCompared, signal }: OpenOptions,
): Promise<OpenedCheckpoint> {
  const folder = withoutPointers(given)
  const lavis = await openLavis(folder, signal)
  const tree = lavis?.tree ?? folder
  const configText = lavis?.configText ?? (await readTextFile(folder, 'config.json'))
  if (configText === undefined) throw await whyNoConfig(folder)
  const config = parseConfig(configText)
  const read = readModel(config, choices)
  const checkpoint = lavis?.checkpoint ?? (await openCheckpoint(folder, signal))
  const onRead = (tensor: string, done: number, total: number): void =>
    onCompared?.(tensor, done, total + checkpoint.byteLength)
  const comparisons = new Comparisons(checkpoint, compare, { onRead, signal })
  const model = await read.settle(checkpoint, comparisons.same)
  const plan = planConversion(model, precision)
  checkSources(plan.weights, checkpoint)
  const comparedBytes = comparisons.bytes
  const sources = sourcesOf(plan, checkpoint)
  const cost = costOf(plan, sources, comparedBytes)
  const outputs = plan.weights.flatMap(({ recipes }) => recipes.flatMap(outputsOf))
  return {
    tree,
    published: lavis === undefined ? [] : [LAVIS_LICENCE],
    configText,
    config,
    precision,
    model,
    checkpoint,
    plan,
    parameters: countParameters(plan.weights),
    sources,
    comparedBytes,
    cost,
    most: comparisons.isSure ? cost : await costAtWorst(read, checkpoint, precision, comparisons.atWorst()),
    largestTensorBytes: outputs.reduce((most, { bytes }) => Math.max(most, bytes), 0),
  }
}

/** What it comes to where no two of the tensors that seem to be one are one. */
async function costAtWorst(
  read: CheckpointModel,
  checkpoint: Checkpoint,
  precision: Precision,
  comparisons: Comparisons,
): Promise<ConversionCost> {
  const plan = planConversion(await read.settle(checkpoint, comparisons.same), precision)
  return costOf(plan, sourcesOf(plan, checkpoint), comparisons.bytes)
}

function costOf(plan: ConversionPlan, sources: Sources, comparedBytes: number): ConversionCost {
  return {
    fetchBytes: sources.reduce((sum, { bytes }) => sum + bytes, comparedBytes),
    keepBytes:
      plan.weights.reduce((sum, { bytes }) => sum + bytes, 0) +
      plan.graphs.reduce((sum, { bytes }) => sum + bytes.length, 0),
  }
}

type Sources = OpenedCheckpoint['sources']

function sourcesOf({ weights }: ConversionPlan, checkpoint: Checkpoint): Sources {
  return weights.map(({ path, recipes }) => ({ path, bytes: sourceBytesOf(recipes, checkpoint) }))
}

/** A folder of weights alone, or of an adapter, is no checkpoint, and is told what it is. */
async function whyNoConfig(tree: FileTree): Promise<AppError> {
  await checkNoAdapterFile(tree)
  const why = await whyNoWeights(tree)
  if (why.code === 'unsupported-model') return why
  const nothing = 'There is neither a pack nor a checkpoint here: no pack.json, no config.json.'
  return new AppError('not-found', nothing)
}
