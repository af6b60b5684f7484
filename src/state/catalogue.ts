/** `models.json` beside the page: the hub and the models that a host of the page wants to offer. */
import type { CaptionWork } from '../pack/caption-work.ts'
import { LANGUAGE_LICENCES, type LanguageLicence } from '../pack/licences.ts'
import { PRECISIONS, type Precision } from '../pack/precisions.ts'
import type { KeptModel } from '../protocol/keeper-calls.ts'

export interface KnownModel {
  name: string
  /** As a person would type it: `owner/name`, `hub:owner/name@revision` or a URL. */
  address: string
  /** What it is, in a sentence for each language; a note without a language is English. */
  notes: Readonly<Record<string, string>>
  /** What a checkpoint is best converted to. */
  precision: Precision
  /** What is known of it before anybody asks its server; null where a host does not say. */
  costs: KnownCosts | null
}

/** In about the size that matters to whoever decides; an offer has them exactly. */
export interface KnownCosts {
  fetchBytes: number
  keepBytes: number
  /** What its language model was published under; null where nothing is said. */
  licence: LanguageLicence | null
  /** Null for models that compare and write nothing. */
  work: CaptionWork | null
}

export interface Catalogue {
  /** The hub or a mirror of it, ending in `/`. */
  hub: string
  models: KnownModel[]
}

export const EMPTY_CATALOGUE: Catalogue = { hub: 'https://huggingface.co/', models: [] }

/** Takes what is right in it and leaves out the rest: a typing error in one entry must not cost the others. */
export function parseCatalogue(json: unknown): Catalogue {
  const { hub, models } = fieldsOf(json)
  return {
    hub: typeof hub === 'string' && /^https?:/.test(hub) && URL.canParse(hub) ? hub : EMPTY_CATALOGUE.hub,
    models: Array.isArray(models) ? (models as unknown[]).flatMap(knownModel).slice(0, 50) : [],
  }
}

/** Whether a model that is kept came from here: of what people bring along nobody knows what it was taught. */
export function isKnown({ asked }: Pick<KeptModel, 'asked'>, { models }: Catalogue): boolean {
  return models.some(({ address }) => address === asked)
}

/** What is kept and can talk; before others what came from here. */
export function keptFor(kept: readonly KeptModel[], catalogue: Catalogue): KeptModel | undefined {
  const talking = kept.filter(({ complete, compares }) => complete && !compares)
  return talking.find((model) => isKnown(model, catalogue)) ?? talking[0]
}

/** A model's note in a language, or else in English; null where there is neither. */
export function noteIn({ notes }: KnownModel, language: string): { text: string; language: string } | null {
  const tag = [language, 'en'].find((one) => Object.hasOwn(notes, one))
  return tag === undefined ? null : { text: notes[tag] ?? '', language: tag }
}

function knownModel(entry: unknown): KnownModel[] {
  const { name, address, note, precision, costs } = fieldsOf(entry)
  if (typeof name !== 'string' || typeof address !== 'string') return []
  return [
    {
      name,
      address,
      notes: notesOf(note),
      precision: PRECISIONS.find((known) => known === precision) ?? 'q4f16',
      costs: knownCosts(costs),
    },
  ]
}

function notesOf(note: unknown): Record<string, string> {
  if (typeof note === 'string') return note === '' ? {} : { en: note }
  const texts = Object.entries(fieldsOf(note)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return Object.fromEntries(texts)
}

/** All of them or none: half of what decides would mislead. */
function knownCosts(costs: unknown): KnownCosts | null {
  const { licence, work, ...bytes } = fieldsOf(costs)
  const sizes = numbersOf(bytes, ['fetchBytes', 'keepBytes'])
  const names = ['flops', 'lookNodes', 'wordBytes', 'wordNodes', 'words'] as const
  const numbers = work === null ? null : numbersOf(fieldsOf(work), names)
  if (sizes === null || (numbers === null && work !== null)) return null
  return { ...sizes, licence: LANGUAGE_LICENCES.find((known) => known === licence) ?? null, work: numbers }
}

/** Null unless each of `names` is a finite number from 0 on. */
function numbersOf<Name extends string>(
  fields: Record<string, unknown>,
  names: readonly Name[],
): Record<Name, number> | null {
  const isAmount = (value: unknown): boolean => Number.isFinite(value) && Number(value) >= 0
  if (!names.every((name) => isAmount(fields[name]))) return null
  return Object.fromEntries(names.map((name) => [name, fields[name]])) as Record<Name, number>
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return { ...(value as object | null) }
}
