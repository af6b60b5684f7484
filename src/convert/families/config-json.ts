/** Reading values out of a `config.json` that may be another model's, or damaged. */
import { AppError } from '../../pack/failure.ts'
import { isRecord } from '../../pack/json.ts'
import { parseObject, type Json } from '../side-files.ts'

export type { Json } from '../side-files.ts'

/** The whole file. Throws `bad-checkpoint` when it is no JSON object. */
export function parseConfig(text: string): Json {
  return parseObject(text, 'config.json')
}

/** A group of settings; empty when there is none. */
export function section(root: Json, name: string): Json {
  const value = root[name] ?? {}
  if (!isRecord(value)) throw new AppError('bad-checkpoint', `config.json: ${name} is not an object.`)
  return value
}

/** Upper bound of any dimension: far above every published model, far below what could overflow a size in bytes. */
const MAX_DIMENSION = 2 ** 20
/** Graphs are built layer by layer before any weight is looked at, so their number is bounded as in a manifest. */
const MAX_LAYERS = 1024

/** Longest value that a sentence repeats, in characters. */
const SHOWN = 60

/** A value as a sentence may repeat it: short, whatever it is. */
export function shown(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
}

/** A size of at least 1. */
export function count(json: Json, key: string, otherwise: number): number {
  const value = json[key] ?? otherwise
  const most = key.endsWith('layers') ? MAX_LAYERS : MAX_DIMENSION
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most) {
    throw new AppError(
      'bad-checkpoint',
      `config.json: ${key} is ${shown(value)}, which is not a possible size.`,
    )
  }
  return value
}

/** A number between 0 and 1, both excluded. */
export function positive(json: Json, key: string, otherwise: number): number {
  const value = json[key] ?? otherwise
  if (typeof value !== 'number' || !(value > 0 && value < 1)) {
    throw new AppError(
      'bad-checkpoint',
      `config.json: ${key} is ${shown(value)}, which is not a possible epsilon.`,
    )
  }
  return value
}

/** One id; the first of several. */
export function tokenId(json: Json, key: string, otherwise: number): number {
  const [id] = tokenIds(json[key] ?? otherwise)
  return id ?? otherwise
}

/** Ids, whether one number or a list, each once. */
export function tokenIds(value: unknown): number[] {
  const ids: unknown[] = Array.isArray(value) ? value : [value]
  const known = ids.filter((id): id is number => typeof id === 'number' && Number.isInteger(id) && id >= 0)
  return [...new Set(known)]
}

/**
 * Throws `bad-checkpoint` where an id has no row in the vocabulary, or none ends an answer. `others`: ids that the model
 * uses beside those.
 */
export function checkTokenIds(
  others: readonly number[],
  eosIds: readonly number[],
  vocabulary: number,
): void {
  const outside = [...others, ...eosIds].find((id) => id >= vocabulary)
  if (outside !== undefined)
    throw new AppError(
      'bad-checkpoint',
      `config.json: the token id ${outside} lies outside the vocabulary of ${vocabulary} rows.`,
    )
  if (eosIds.length === 0)
    throw new AppError(
      'bad-checkpoint',
      'config.json: eos_token_id names no token id, so no answer would end.',
    )
}

/** Throws `unsupported-model` when a setting is there and not the one that is known. */
export function demand(json: Json, part: string, key: string, wanted: string | number | boolean): void {
  const value = json[key]
  if (value !== undefined && value !== null && value !== wanted) {
    throw unsupported(`${part}.${key} is ${shown(value)}, only ${JSON.stringify(wanted)} is known`)
  }
}

export function checkDivides(whole: number, part: number, wholeName: string, partName: string): void {
  if (whole % part !== 0) {
    throw new AppError(
      'bad-checkpoint',
      `config.json: ${wholeName} (${whole}) is not a multiple of ${partName} (${part}).`,
    )
  }
}

/** Why a checkpoint of another kind is not converted. */
export function unsupported(why: string): AppError {
  return new AppError(
    'unsupported-model',
    `This checkpoint cannot be converted: ${why}. Use one of the published BLIP-2 models, such as Salesforce/blip2-opt-2.7b.`,
  )
}
