/**
 * What a pack is: ONNX graphs, their weights cut into hashed chunks, the checkpoint's own tokenizer files, and this
 * manifest, which is written last. A folder without a manifest is not a pack; a manifest vouches for every byte.
 */
import { getDotPath, safeParse, type GenericSchema, type InferOutput } from 'valibot'
import { readText, type FileTree } from './bytes.ts'
import { chunkPath } from './chunks.ts'
import { AppError } from './failure.ts'
import {
  FAMILIES,
  FAMILY_NAMES,
  isFamily,
  type Family,
  partsOf,
  qFormerOf,
  type PackModel,
  type PartName,
} from './families.ts'
import { fieldOfFormat1, upgradeFormat1 } from './manifest-1.ts'
import { checkRules } from './manifest-rules.ts'
import {
  packFacts,
  type checkResult,
  type packChunk,
  type packFile,
  type preprocessing,
} from './manifest-schema.ts'
import { isRecord } from './json.ts'

export const MANIFEST_PATH = 'pack.json'
const FORMAT = 'pictalk-pack'
export const FORMAT_VERSION = 2

export type { Precision } from './precisions.ts'
export type Preprocessing = InferOutput<typeof preprocessing>
export type PackChunk = InferOutput<typeof packChunk>
export type PackFile = InferOutput<typeof packFile>
export type CheckResult = InferOutput<typeof checkResult>

/** What a manifest says in whatever format it was written: in memory there is only the latest. */
export type PackManifest<F extends Family = Family> = {
  format: typeof FORMAT
  version: typeof FORMAT_VERSION
} & InferOutput<typeof packFacts> &
  PackModel<F>

/**
 * A pack to read from, wherever it lies. `file` gives verified bytes and rejects `corrupt` when a hash differs. Where
 * there is a `later`, weights were verified when they were kept, and are hashed again by it.
 */
export interface PackReader<F extends Family = Family> {
  readonly manifest: PackManifest<F>
  file(path: string, signal?: AbortSignal): Promise<Blob | Uint8Array<ArrayBuffer>>
  readonly later?: LaterCheck
}

/** Hashes what was given out as it was kept, when there is time. */
export interface LaterCheck {
  /**
   * The next chunk. One that was `mended` is there again for whoever reads it anew; what was given out stays bad. Throws
   * `corrupt` for one that cannot be mended, and what fetching it throws.
   */
  next(signal?: AbortSignal): Promise<'good' | 'mended' | 'done'>
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

/** `pack.json` as text → manifest. Throws `bad-pack` for anything that the rest of the code could stumble over. */
export function parseManifest(text: string): PackManifest {
  const written = parseJson(text)
  if (!isRecord(written) || written['format'] !== FORMAT) refuse('it is not a pictalk pack')
  const { version } = written
  if (version !== 1 && version !== FORMAT_VERSION)
    refuse(`it has version ${quoted(version)}; this program reads versions 1 and ${FORMAT_VERSION}`)
  const json = version === 1 ? upgradeFormat1(written) : written
  const fieldName = version === 1 ? fieldOfFormat1 : (field: string): string => field
  const { family } = json
  if (!isFamily(family)) refuse(`this program does not know its family, ${quoted(family)}`)
  const facts = checked(packFacts, json, fieldName)
  const model = checked<PackModel>(FAMILIES[family], json, fieldName)
  const manifest: PackManifest = { format: FORMAT, version: FORMAT_VERSION, ...facts, ...model }
  checkRules(manifest, (holds, field, why) => {
    if (!holds) refuse(`${fieldName(field)} ${why}`)
  })
  return manifest
}

/** The value as the schema describes it. Throws `bad-pack`, naming the first field that is not so. */
function checked<T>(schema: GenericSchema<T>, value: unknown, fieldName: (field: string) => string): T {
  const { success, output, issues } = safeParse(schema, value, { abortEarly: true })
  if (success) return output
  const [{ received, message, ...issue }] = issues
  const field = fieldName(getDotPath({ received, message, ...issue }) ?? '')
  refuse(`${field} ${received === 'undefined' ? 'is missing' : message}`)
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

/** A value as it stands in the file, or the beginning of it. */
function quoted(value: unknown): string {
  return (JSON.stringify(value) as string | undefined)?.slice(0, 60) ?? 'nothing'
}

function refuse(why: string): never {
  throw new AppError('bad-pack', `This pack cannot be used: ${why}. Convert or download it again.`)
}

/** The manifest as one of the family. Throws `unsupported-model` for another. */
export function asFamily<F extends Family>(manifest: PackManifest, family: F): PackManifest<F> {
  const described = { manifest }
  if (isOfFamily(described, family)) return described.manifest
  throw new AppError(
    'unsupported-model',
    `${manifest.name} is ${FAMILY_NAMES[manifest.family]}, which does not go here.`,
  )
}

/** Whether the pack's model is of the family. */
export function isPackOf<F extends Family>(pack: PackReader, family: F): pack is PackReader<F> {
  return isOfFamily(pack, family)
}

interface Described<F extends Family = Family> {
  readonly manifest: PackManifest<F>
}

function isOfFamily<F extends Family>(pack: Described, family: F): pack is Described<F> {
  return pack.manifest.family === family
}

/** Bytes of the weights files of all parts, or of one. */
export function weightBytes(
  pack: PackModel & { files: readonly { path: string; bytes: number }[] },
  only?: PartName,
): number {
  const paths = new Set(
    partsOf(pack).flatMap(([name, { weights }]) => ((only ?? name) === name ? [weights] : [])),
  )
  return pack.files.reduce((sum, { path, bytes }) => sum + (paths.has(path) ? bytes : 0), 0)
}

/** What query embeddings depend on: the weights of the vision encoder and of the Q-Former, by their hashes. */
export function lookKey(manifest: PackManifest): string {
  return [manifest.parts.vision, qFormerOf(manifest)]
    .map(({ weights }) => manifest.files.find((file) => file.path === weights))
    .map((file) => file?.chunks.map((chunk) => chunk.sha256.slice(0, 16)).join('') ?? '')
    .join('-')
}
