/**
 * What the licences of models allow, as far as it is known here. A card speaks for whoever wrote it; a language model that
 * was taken over frozen keeps the licence that it was published under, and the stricter of the two governs the whole.
 */
import { vocabularyOf, type PackModel } from './families.ts'

/** From the strictest on; of several licences the first in this order governs. */
const ALLOWANCES = ['research', 'non-commercial', 'unknown', 'unstated', 'commercial'] as const
export type Allowance = (typeof ALLOWANCES)[number]

export interface Licence {
  name: string
  /** Its text; null where nobody says where it is. */
  url: string | null
  allows: Allowance
}

/** By the names that cards use (the hub's list of licence identifiers). */
const KNOWN = {
  mit: { name: 'MIT', url: 'https://opensource.org/license/mit', allows: 'commercial' },
  'apache-2.0': {
    name: 'Apache 2.0',
    url: 'https://www.apache.org/licenses/LICENSE-2.0',
    allows: 'commercial',
  },
  'bsd-3-clause': {
    name: 'BSD 3-Clause',
    url: 'https://opensource.org/license/bsd-3-clause',
    allows: 'commercial',
  },
  'cc-by-4.0': {
    name: 'CC BY 4.0',
    url: 'https://creativecommons.org/licenses/by/4.0/',
    allows: 'commercial',
  },
  'cc-by-nc-4.0': {
    name: 'CC BY-NC 4.0',
    url: 'https://creativecommons.org/licenses/by-nc/4.0/',
    allows: 'non-commercial',
  },
  'opt-175b': {
    name: 'OPT-175B',
    url: 'https://github.com/facebookresearch/metaseq/blob/main/projects/OPT/MODEL_LICENSE.md',
    allows: 'research',
  },
} as const satisfies Record<string, Licence>

/** What the language models of the published checkpoints were published under. */
export const LANGUAGE_LICENCES = ['opt-175b', 'apache-2.0'] as const
export type LanguageLicence = (typeof LANGUAGE_LICENCES)[number]

/** Rows of OPT's and Flan-T5's published token tables; smaller models have another origin. */
const PUBLISHED_ROWS = { 'blip2-opt': 50_265, 'blip2-t5': 32_128 }

const PUBLISHED_UNDER = { 'blip2-opt': 'opt-175b', 'blip2-t5': 'apache-2.0' } as const

/** In sentences, as manifests carry them. */
export const LANGUAGE_NOTICES: Record<LanguageLicence, string> = {
  'opt-175b':
    "The language model in it is Meta's OPT, whose weights Meta published under the OPT-175B licence: for " +
    "non-commercial research only, whatever the checkpoint's card says. Read that licence before you use or pass on this model.",
  'apache-2.0':
    "The language model of the published models of this kind is Google's Flan-T5, which is under the Apache License 2.0: " +
    'commercial use is allowed, and whoever passes the model on passes that licence on with it.',
}

/** What has to be known beside the name on a card; undefined where nothing is. */
export function noticeOf(family: keyof typeof PUBLISHED_ROWS, vocabulary: number): string | undefined {
  const licence = publishedUnder(family, vocabulary)
  return licence === null ? undefined : LANGUAGE_NOTICES[licence]
}

/** The licence that a family's language model was published under; null where it has none or is nobody's known one. */
function publishedUnder(family: keyof typeof PUBLISHED_ROWS, vocabulary: number): LanguageLicence | null {
  return vocabulary >= PUBLISHED_ROWS[family] ? PUBLISHED_UNDER[family] : null
}

/** The same of a pack, whatever its manifest calls its licence. */
export function languageLicenceOf(model: PackModel): LanguageLicence | null {
  return model.family === 'blip2-itm' ? null : publishedUnder(model.family, vocabularyOf(model))
}

export interface Terms {
  /** Of the language model; null where nothing is known beside the card. */
  language: Licence | null
  /** Of the rest, or of all where `language` is null; empty when the card states none. */
  card: Licence[]
  /** What may be done with the whole. */
  allows: Allowance
}

/** What may be done with a model by its card (`licence`, several with commas between) and its language model. */
export function termsOf({
  licence,
  languageLicence,
}: {
  licence: string | null
  languageLicence: LanguageLicence | null
}): Terms {
  const language = languageLicence && KNOWN[languageLicence]
  const card = (licence?.split(', ') ?? []).map(licenceNamed).filter(({ name }) => name !== language?.name)
  const stated: Allowance[] = licence === null ? ['unstated'] : card.map(({ allows }) => allows)
  if (language !== null) stated.push(language.allows)
  return { language, card, allows: ALLOWANCES.find((allowance) => stated.includes(allowance)) ?? 'unknown' }
}

/** The licences in one line, by the names that cards use. */
export function licenceLine(licence: string | null, languageLicence: LanguageLicence | null): string {
  if (languageLicence === null) return licence ?? 'not stated by the checkpoint'
  if (licence === languageLicence) return licence
  return `${languageLicence} (its language model), ${licence ?? 'not stated'} (the rest, by its card)`
}

function licenceNamed(name: string): Licence {
  const known: Record<string, Licence> = KNOWN
  const id = name.toLowerCase()
  if (Object.hasOwn(known, id)) return known[id] ?? { name, url: null, allows: 'unknown' }
  return { name, url: /https:\/\/[^\s)]+/.exec(name)?.[0] ?? null, allows: 'unknown' }
}
