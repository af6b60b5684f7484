/**
 * What a pack is: ONNX graphs, their weights cut into hashed chunks, the checkpoint's own tokenizer files, and this
 * manifest, which is written last. A folder without a manifest is not a pack; a manifest vouches for every byte.
 */
import { readText, type FileTree } from './bytes.ts'
import { chunkPath, chunkSizes } from './chunks.ts'
import { AppError } from './failure.ts'

export const MANIFEST_PATH = 'pack.json'
export const FORMAT_VERSION = 1

/** Names as transformers.js uses them: what weights are stored as, and for `f16` names what is computed in. */
export const PRECISIONS = ['fp32', 'fp16', 'q8', 'q4', 'q4f16'] as const
export type Precision = (typeof PRECISIONS)[number]

/** The three graphs, cut where little data crosses (an image's features, its query embeddings). */
export const GRAPHS = ['vision', 'q-former', 'decoder'] as const
export type GraphName = (typeof GRAPHS)[number]

/**
 * What a graph was written for. All share one weights file. `webgpu-f16` exists where weights are stored as f16 and
 * needs the adapter's `shader-f16`; `wasm` differs from `webgpu` only where the CPU kernels want another layout.
 */
export const TARGETS = ['wasm', 'webgpu', 'webgpu-f16'] as const
export type Target = (typeof TARGETS)[number]

export interface ModelShape {
  vision: {
    imageSize: number
    patchSize: number
    hiddenSize: number
    layers: number
    heads: number
    tokens: number
  }
  qFormer: { queries: number; hiddenSize: number; layers: number; heads: number }
  text: {
    hiddenSize: number
    layers: number
    heads: number
    headSize: number
    /** Head size in the KV cache: filled up to a multiple of 8. */
    cacheHeadSize: number
    /** Rows of the embedding, padding rows included. */
    vocabulary: number
    /** The longest sequence, query embeddings included (config `max_position_embeddings`). */
    positions: number
    bosId: number
    /** Ids that end an answer: for OPT the newline (config `text_config.eos_token_id`), never dropped silently. */
    eosIds: number[]
    /** The id that stands for each query embedding where ids are counted (config `image_token_index`); empty in the old layout. */
    imageTokenIds: number[]
    padId: number
  }
}

/** `preprocessor_config.json`, as far as it matters: square bicubic resize, rescale, normalise. */
export interface Preprocessing {
  size: number
  rescaleFactor: number
  mean: [number, number, number]
  std: [number, number, number]
}

export interface PackChunk {
  bytes: number
  sha256: string
}

export interface PackFile {
  path: string
  bytes: number
  chunks: PackChunk[]
}

/** One thing that the converter looked at (blip2.md calls them sanity checks) and what it found. */
export interface CheckResult {
  name: string
  ok: boolean
  detail: string
}

export interface PackManifest {
  format: 'pictalk-pack'
  version: typeof FORMAT_VERSION
  name: string
  precision: Precision
  /** SHA-256 over what the pack was made of and what came out: configuration, tensor table, precision, converter version, chunks. */
  fingerprint: string
  /** As the checkpoint's card names it; null when it names none. */
  licence: string | null
  /** What has to be known besides the licence's name, in sentences for a person; absent when there is nothing. */
  licenceNotice?: string
  parameters: number
  shape: ModelShape
  preprocessing: Preprocessing
  /** Path of the graph file for each target the pack was written for. */
  graphs: Record<GraphName, Partial<Record<Target, string>>>
  /** Tokenizer files of the checkpoint that travel with the pack; empty when it had none. */
  tokenizer: { tokenizer?: string; config?: string }
  files: PackFile[]
  checks: CheckResult[]
  unknownTensors: string[]
}

/** A pack to read from, wherever it lies. `file` gives verified bytes and rejects `corrupt` when a hash differs. */
export interface PackReader {
  readonly manifest: PackManifest
  file(path: string, signal?: AbortSignal): Promise<Blob | Uint8Array<ArrayBuffer>>
}

/** The weights file that all targets of a graph share: `location` of its external data. */
export function weightsPath(graph: GraphName): string {
  return `${graph}.weights`
}

/**
 * Where float32 graphs say that float16 weights lie: the weights file with every two bytes become four. No pack has
 * such a file; whoever opens the graph makes it up as it is read.
 */
export function widenedPath(weights: string): string {
  return `${weights}.f32`
}

/** Path and size of each chunk of a file, in order: what a folder or a server holds for it. */
export function chunksOf(file: PackFile): { path: string; bytes: number; sha256: string }[] {
  return file.chunks.map((chunk, index) => ({
    ...chunk,
    path: chunkPath(file.path, index, file.chunks.length),
  }))
}

/** The text of the pack's manifest; undefined when there is none. Throws `bad-pack` for what is too long or no text. */
export function readManifestText(tree: FileTree): Promise<string | undefined> {
  return readText(tree, MANIFEST_PATH).catch((cause: unknown) => {
    if (cause instanceof RangeError || cause instanceof TypeError)
      refuse('its pack.json is too long or no text')
    throw cause
  })
}

const MAX_FILES = 256
const MAX_FILE_BYTES = 2 ** 40

/** `pack.json` as text → manifest. Throws `bad-pack` for anything that the rest of the code could stumble over. */
export function parseManifest(text: string): PackManifest {
  const value = parseJson(text)
  if (!isRecord(value) || value['format'] !== 'pictalk-pack') refuse('it is not a pictalk pack')
  if (value['version'] !== FORMAT_VERSION)
    refuse(`it has version ${String(value['version'])}; this program reads version ${FORMAT_VERSION}`)
  if (!isOneOf(PRECISIONS, value['precision'])) refuse('its precision is unknown')
  checkFiles(value['files'])
  checkShape(value['shape'])
  checkGraphs(value['graphs'])
  checkWords(value)
  return value as unknown as PackManifest
}

function checkFiles(files: unknown): void {
  if (!Array.isArray(files) || files.length === 0 || files.length > MAX_FILES)
    refuse('its list of files is empty or absurdly long')
  const seen = new Set<string>()
  for (const file of files as unknown[]) {
    if (!isRecord(file) || typeof file['path'] !== 'string' || !/^[\w-]+(\.[\w-]+)*$/.test(file['path']))
      refuse('a file has an unsafe name')
    const path = file['path']
    if (seen.has(path)) refuse(`${path} is listed twice`)
    seen.add(path)
    checkChunks(path, file['bytes'], file['chunks'])
  }
}

function checkChunks(path: string, bytes: unknown, chunks: unknown): void {
  if (!isCount(bytes) || bytes > MAX_FILE_BYTES || !Array.isArray(chunks))
    refuse(`${path} has an impossible size`)
  const expected = chunkSizes(bytes)
  const list = chunks as unknown[]
  const fits =
    list.length === expected.length &&
    list.every((chunk, i) => isRecord(chunk) && chunk['bytes'] === expected[i] && isSha256(chunk['sha256']))
  if (!fits) refuse(`the chunks of ${path} do not add up to its ${String(bytes)} bytes`)
}

function checkShape(shape: unknown): void {
  for (const part of ['vision', 'qFormer', 'text']) {
    const group = isRecord(shape) ? shape[part] : undefined
    if (
      !isRecord(group) ||
      !Object.values(group).every((n) => isCount(n) || (Array.isArray(n) && n.every(isCount)))
    )
      refuse(`its ${part} dimensions are missing or wrong`)
  }
}

function checkGraphs(graphs: unknown): void {
  for (const name of GRAPHS) {
    const paths = isRecord(graphs) ? graphs[name] : undefined
    if (!isRecord(paths) || !Object.values(paths).every((path) => typeof path === 'string'))
      refuse(`it has no ${name} graph`)
  }
}

/** What is shown to people, and lists that the rest of the code goes through. */
function checkWords(manifest: Record<string, unknown>): void {
  const { name, fingerprint, licence, licenceNotice, parameters, tokenizer, checks, unknownTensors } =
    manifest
  const fine =
    isText(name, 200) &&
    isText(fingerprint, 64) &&
    (licence === null || isText(licence, 200)) &&
    (licenceNotice === undefined || isText(licenceNotice, 4000)) &&
    isCount(parameters) &&
    isRecord(tokenizer) &&
    Object.values(tokenizer).every((path) => typeof path === 'string') &&
    Array.isArray(checks) &&
    checks.every((check) => isRecord(check) && isText(check['name'], 200) && isText(check['detail'], 4000)) &&
    Array.isArray(unknownTensors) &&
    unknownTensors.every((tensor) => typeof tensor === 'string')
  if (!fine) refuse('its description is missing or wrong')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError(
      'bad-pack',
      'This is not a pack: its pack.json is not valid JSON. Convert or download it again.',
      { cause },
    )
  }
}

function refuse(why: string): never {
  throw new AppError('bad-pack', `This pack cannot be used: ${why}. Convert or download it again.`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value.length <= longest
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isSha256(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function isOneOf<T>(list: readonly T[], value: unknown): value is T {
  return list.some((entry) => entry === value)
}

/** What query embeddings depend on: the weights of the vision encoder and of the Q-Former, by their hashes. */
export function lookKey(manifest: PackManifest): string {
  return (['vision', 'q-former'] as const)
    .map((graph) => manifest.files.find((file) => file.path === weightsPath(graph)))
    .map((file) => file?.chunks.map((chunk) => chunk.sha256.slice(0, 16)).join('') ?? '')
    .join('-')
}
