/**
 * A Hugging Face checkpoint becomes a pack: read the configuration, look at everything, and only then write. The same
 * code runs in Node and in a browser worker; what differs is the tree it reads and the sink it writes.
 */
import { sha256Hex, type FileTree, type PackSink } from '../pack/bytes.ts'
import { chunkSizes } from '../pack/chunks.ts'
import { qFormerOf, type PackModel } from '../pack/families.ts'
import { AppError } from '../pack/failure.ts'
import {
  FORMAT_VERSION,
  parseManifest,
  type CheckResult,
  type PackFile,
  type PackManifest,
  type Precision,
} from '../pack/manifest.ts'
import { unknownTensors } from './checks.ts'
import type { Checkpoint } from './checkpoint.ts'
import { shown } from './families/config-json.ts'
import type { Choices } from './families/family.ts'
import { readLicence } from './model-card.ts'
import { openAndPlan, type OpenedCheckpoint } from './open.ts'
import { openPackWriter, type WeightsProgress } from './pack-writer.ts'
import type { ConversionPlan } from './plan.ts'
import { readPreprocessing } from './preprocessing.ts'
import { readTokenizer, type TokenizerFiles } from './tokenizer/read-tokenizer.ts'

/** Goes into the fingerprint: raise it when the same checkpoint would be written differently. */
const CONVERTER_VERSION = 1

/** How far a conversion is, as a whole and by weights file. */
export interface ConvertProgress {
  /** The weights file being written; null while stored tensors are compared. */
  file: string | null
  /** The tensor just read; null for what a former run had done already. */
  tensor: string | null
  /** Bytes of the checkpoint that have to be read, and how many of them are dealt with. */
  doneBytes: number
  totalBytes: number
  parts: { path: string; doneBytes: number; totalBytes: number }[]
}

export interface ConvertOptions {
  precision: Precision
  /** What the pack calls itself; usually the name of the folder or repository. */
  name: string
  choices?: Choices | undefined
  onProgress?: ((progress: ConvertProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Converts the checkpoint in `tree`. Throws `not-found`, `unsupported-model` or `bad-checkpoint` before a byte is
 * written; `cancelled` leaves an unfinished pack that the next call with the same checkpoint goes on with.
 */
export async function convertCheckpoint(
  tree: FileTree,
  sink: PackSink,
  { precision, ...options }: ConvertOptions,
): Promise<PackManifest> {
  return writePack(await openForConversion(tree, precision, options), sink, options)
}

/** The first half of it: makes sure of everything that the plan depends on, which may mean to read two large tensors. */
export function openForConversion(
  tree: FileTree,
  precision: Precision,
  { choices, onProgress, signal }: Pick<ConvertOptions, 'choices' | 'onProgress' | 'signal'>,
): Promise<OpenedCheckpoint> {
  return openAndPlan(tree, precision, {
    compare: 'sure',
    choices,
    signal,
    onCompared: (tensor, doneBytes, totalBytes) =>
      onProgress?.({ file: null, tensor, doneBytes, totalBytes, parts: [] }),
  })
}

/** The other half: writes the pack of an opened checkpoint. */
export async function writePack(
  opened: OpenedCheckpoint,
  sink: PackSink,
  { name, onProgress, signal }: Omit<ConvertOptions, 'precision' | 'choices'>,
): Promise<PackManifest> {
  const { tree, checkpoint, plan, precision } = opened
  const tokenizer = await readTokenizer(tree, opened.config)
  const { preprocessing, stated, statedQueries } = await readPreprocessing(tree, opened.model.imageSize)
  const checks: CheckResult[] = await opened.model.check(checkpoint, {
    parameters: opened.parameters,
    stated,
    tokenizerEntries: tokenizer.entries,
    signal,
  })
  for (const detail of tokenizer.remarks) checks.push({ name: 'tokenizer files', ok: false, detail })
  checks.push(...checkQueries(statedQueries, plan.model))
  const licence = await readLicence(tree, opened.published)
  const { licenceNotice } = opened.model
  const manifestOf = (files: PackFile[], fingerprint: string): PackManifest => ({
    format: 'pictalk-pack',
    version: FORMAT_VERSION,
    name,
    precision,
    fingerprint,
    licence,
    ...(licenceNotice !== undefined && { licenceNotice }),
    parameters: opened.parameters,
    ...plan.model,
    preprocessing,
    tokenizer: tokenizerPaths(tokenizer),
    files,
    checks,
    unknownTensors: unknownTensors(plan.weights, checkpoint, opened.model.spareTensors),
  })
  const small = [...plan.graphs, ...tokenizerFiles(tokenizer)]
  checkReadable(manifestOf(filesToCome([...plan.weights, ...small.map(sized)]), NO_HASH))

  const facts = factsOf(opened.configText, checkpoint, tokenizer, JSON.stringify(preprocessing), precision)
  const versions = checkpoint.files.map(({ version }) => version)
  const writer = await openPackWriter(sink, await hashOf([facts, versions]))
  const files: PackFile[] = []
  const report = progressOf(opened, onProgress)
  for (const weights of plan.weights) {
    files.push(await writer.writeWeights(weights, checkpoint, { onProgress: report, signal }))
  }
  for (const { path, bytes } of small) files.push(await writer.writeFile(path, bytes))
  const manifest = manifestOf(files, await hashOf([facts, files]))
  await writer.commit(manifest)
  return manifest
}

/** How many queries the processor counts on: transformers fails where the model has another number. */
function checkQueries(stated: unknown, model: PackModel): CheckResult[] {
  const { queries } = qFormerOf(model).shape
  if (stated === undefined || stated === null || stated === queries) return []
  const detail = `processor_config.json says ${shown(stated)}, the model has ${queries}, which are used`
  return [{ name: 'queries', ok: false, detail }]
}

/** Turns what is said of each file into what is said of the whole. What was compared before counts as done. */
function progressOf(
  { sources, comparedBytes }: OpenedCheckpoint,
  onProgress: ConvertOptions['onProgress'],
): (progress: WeightsProgress) => void {
  const done = new Map<string, number>()
  const totalBytes = sources.reduce((sum, { bytes }) => sum + bytes, comparedBytes)
  return ({ file, tensor, doneBytes }) => {
    done.set(file, doneBytes)
    onProgress?.({
      file,
      tensor,
      doneBytes: [...done.values()].reduce((sum, bytes) => sum + bytes, comparedBytes),
      totalBytes,
      parts: sources.map(({ path, bytes }) => ({
        path,
        doneBytes: done.get(path) ?? 0,
        totalBytes: bytes,
      })),
    })
  }
}

const NO_HASH = '0'.repeat(64)

function sized({ path, bytes }: { path: string; bytes: Uint8Array }): { path: string; bytes: number } {
  return { path, bytes: bytes.length }
}

/** The files of a pack as they will be, but for their hashes. */
function filesToCome(files: readonly { path: string; bytes: number }[]): PackFile[] {
  return files.map(({ path, bytes }) => ({
    path,
    bytes,
    chunks: chunkSizes(bytes).map((size) => ({ bytes: size, sha256: NO_HASH })),
  }))
}

/** What no reader would accept is found out before hours of work. Throws `bad-checkpoint`. */
function checkReadable(manifest: PackManifest): void {
  try {
    parseManifest(JSON.stringify(manifest))
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause
    throw new AppError(
      'bad-checkpoint',
      `This checkpoint makes no pack that could be read. ${cause.message}`,
      {
        cause,
      },
    )
  }
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
