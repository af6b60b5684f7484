/**
 * A Hugging Face checkpoint becomes a pack: read the configuration, look at everything, and only then write. The same
 * code runs in Node and in a browser worker; what differs is the tree it reads and the sink it writes.
 */
import { readText, sha256Hex, type FileTree, type PackSink } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { FORMAT_VERSION, type PackFile, type PackManifest, type Precision } from '../pack/manifest.ts'
import { modelOf } from './families/model.ts'
import { checkSources, countParameters, runChecks, unknownTensors } from './checks.ts'
import { openCheckpoint, type Checkpoint } from './checkpoint.ts'
import { openPackWriter, type WeightsProgress } from './pack-writer.ts'
import type { ConversionPlan } from './plan-draft.ts'
import { readLicence } from './model-card.ts'
import { readPreprocessing } from './preprocessing.ts'
import { readTokenizer, type TokenizerFiles } from './side-files.ts'

/** Goes into the fingerprint: raise it when the same checkpoint would be written differently. */
const CONVERTER_VERSION = 1

export interface ConvertOptions {
  precision: Precision
  /** What the pack calls itself; usually the name of the folder or repository. */
  name: string
  onProgress?: (progress: WeightsProgress) => void
  signal?: AbortSignal
}

/**
 * Converts the checkpoint in `tree`. Throws `not-found`, `unsupported-model` or `bad-checkpoint` before a byte is
 * written; `cancelled` leaves an unfinished pack that the next call with the same checkpoint goes on with.
 */
export async function convertBlip2(
  tree: FileTree,
  sink: PackSink,
  options: ConvertOptions,
): Promise<PackManifest> {
  const { precision, signal } = options
  const configText = await readConfig(tree)
  const parsed = modelOf(configText)
  const checkpoint = await openCheckpoint(tree, signal)
  const model = await parsed.settled(checkpoint, signal)
  const plan = model.plan(precision)
  checkSources(plan.weights, checkpoint)

  const tokenizer = await readTokenizer(tree)
  const { preprocessing, statedSize } = await readPreprocessing(tree, model.look.vision.imageSize)
  const parameters = countParameters(plan.weights)
  const tokenizerEntries = countEntries(tokenizer.tokenizer)
  const checks = await runChecks(model, checkpoint, {
    parameters,
    statedImageSize: statedSize,
    tokenizerEntries,
    signal,
  })

  const facts = factsOf(configText, checkpoint, tokenizer, JSON.stringify(preprocessing), precision)
  const versions = checkpoint.files.map(({ version }) => version)
  const writer = await openPackWriter(sink, await hashOf([facts, versions]))
  const files: PackFile[] = []
  for (const weights of plan.weights) {
    files.push(await writer.writeWeights(weights, checkpoint, { onProgress: options.onProgress, signal }))
  }
  const small = [...plan.graphs, ...tokenizerFiles(tokenizer)]
  for (const { path, bytes } of small) files.push(await writer.writeFile(path, bytes))

  const { notice } = model
  const manifest: PackManifest = {
    format: 'pictalk-pack',
    version: FORMAT_VERSION,
    name: options.name,
    precision,
    fingerprint: await hashOf([facts, files]),
    licence: await readLicence(tree),
    ...(notice !== undefined && { licenceNotice: notice }),
    parameters,
    ...plan.model,
    preprocessing,
    tokenizer: tokenizerPaths(tokenizer),
    files,
    checks,
    unknownTensors: unknownTensors(plan.weights, model.copies, checkpoint),
  }
  await writer.commit(manifest)
  return manifest
}

async function readConfig(tree: FileTree): Promise<string> {
  const text = await readText(tree, 'config.json')
  if (text === undefined) {
    throw new AppError(
      'not-found',
      'There is no config.json here; choose the folder of a Hugging Face checkpoint.',
    )
  }
  return text
}

const TOKENIZER_PATH = 'tokenizer.json'
const TOKENIZER_CONFIG_PATH = 'tokenizer_config.json'

function tokenizerPaths(files: TokenizerFiles): PackManifest['tokenizer'] {
  return files.tokenizer === undefined ? {} : { tokenizer: TOKENIZER_PATH, config: TOKENIZER_CONFIG_PATH }
}

function tokenizerFiles(files: TokenizerFiles): ConversionPlan['graphs'] {
  if (files.tokenizer === undefined) return []
  const encoder = new TextEncoder()
  return [
    { path: TOKENIZER_PATH, bytes: encoder.encode(files.tokenizer) },
    { path: TOKENIZER_CONFIG_PATH, bytes: encoder.encode(files.config ?? '{}') },
  ]
}

function countEntries(tokenizer: string | undefined): number | null {
  if (tokenizer === undefined) return null
  const json = JSON.parse(tokenizer) as {
    model?: { vocab?: Record<string, number> | [string, number][] }
    added_tokens?: { content: string }[]
  }
  const vocabulary = json.model?.vocab ?? {}
  const pieces = Array.isArray(vocabulary) ? vocabulary.map(([piece]) => piece) : Object.keys(vocabulary)
  const names = new Set(pieces)
  for (const token of json.added_tokens ?? []) names.add(token.content)
  return names.size
}

/** What determines the bytes of a pack besides the weights themselves; the same wherever the checkpoint lies. */
function factsOf(
  configText: string,
  checkpoint: Checkpoint,
  tokenizer: TokenizerFiles,
  preprocessing: string,
  precision: Precision,
): unknown[] {
  const tensors = [...checkpoint.tensors].map(([name, { dtype, shape, file, start }]) => [
    name,
    dtype,
    shape,
    file,
    start,
  ])
  const files = checkpoint.files.map(({ path, bytes }) => [path, bytes])
  return [CONVERTER_VERSION, precision, configText, preprocessing, tokenizer.tokenizer ?? '', tensors, files]
}

function hashOf(facts: unknown[]): Promise<string> {
  return sha256Hex(new TextEncoder().encode(JSON.stringify(facts)))
}
