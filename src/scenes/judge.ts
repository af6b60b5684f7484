/**
 * Is what a caption says true of its scene? A caption is read as counted noun phrases ("two red stars") and claims
 * about where they are ("inside a box", "at the top left"). Words only, no synonyms: the world has none. Each kind of
 * mistake is counted by itself: what is not there has no colour to get wrong, and a thing in the wrong colour can still
 * be in the right place.
 */
import { isColour, KINDS, pluralOf, type Colour, type Kind } from './kinds.ts'
import { NUMBERS } from './language.ts'
import { mayBeSaidToBe, PLACE_NAMES, type Place } from './relations.ts'
import type { Scene, SceneObject } from './scene.ts'

export interface CountedPhrase {
  kind: Kind
  /** Null where none is named. */
  colour: Colour | null
  count: number
}

/** Where what a phrase names is said to be. `other` is null where the caption ends before it says of what. */
export type Claim = { phrase: CountedPhrase } & (
  | { place: Place }
  | { relation: Relation; other: CountedPhrase | null }
)

export interface ParsedCaption {
  phrases: CountedPhrase[]
  claims: Claim[]
}

/** How many out of how many. */
export interface Tally {
  right: number
  of: number
}

export interface Verdict {
  /** Names exactly the kinds that were drawn, each as often as it was. */
  right: boolean
  /** `right`, and nothing that it says besides is wrong. */
  faultless: boolean
  /** Of the objects named, those that were drawn (precision). */
  named: Tally
  /** Of the objects drawn, those that were named (recall). */
  drawn: Tally
  /** Of the drawn objects that are named in a colour, those named in their own. */
  colours: Tally
  /** Of the claims about relations and places, those that hold. */
  relations: Tally
}

export function judgeCaption(caption: string, scene: Scene): Verdict {
  const { phrases, claims } = parseCaption(caption)
  const named = totalled(phrases.map(({ kind, count }) => [kind, count]))
  const drawn = totalled(scene.objects.map(({ kind }) => [kind, 1]))
  const both = inCommon(named, drawn)
  const [ofNamed, ofDrawn] = [sum(named.values()), sum(drawn.values())]
  const colours = coloursOf(phrases, scene)
  const relations = { right: claims.filter((claim) => holds(claim, scene)).length, of: claims.length }
  const right = both === ofNamed && both === ofDrawn
  return {
    right,
    faultless: right && colours.right === colours.of && relations.right === relations.of,
    named: { right: both, of: ofNamed },
    drawn: { right: both, of: ofDrawn },
    colours,
    relations,
  }
}

/** The kinds that a caption names, singular or plural, each once. */
export function namedKinds(caption: string): Kind[] {
  return [...new Set(parseCaption(caption).phrases.map(({ kind }) => kind))]
}

/** Whether an answer is the wanted one, but for capitals, white space and a final full stop. */
export function isAnswer(given: string, wanted: string): boolean {
  return plain(given) === plain(wanted)
}

function plain(answer: string): string {
  return answer
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/[ .]+$/, '')
    .trim()
}

// --- reading ---

const RELATIONS = [
  'inside',
  'behind',
  'in front of',
  'to the left of',
  'to the right of',
  'above',
  'below',
] as const
type Relation = (typeof RELATIONS)[number]

/** "at the top left" before "at the top". */
const LONGEST_PLACES = [...PLACE_NAMES].sort((a, b) => b.length - a.length)

interface Noun {
  kind: Kind
  plural: boolean
}

const NOUNS: ReadonlyMap<string, Noun> = new Map<string, Noun>([
  ...KINDS.map((kind) => [pluralOf(kind), { kind, plural: true }] as const),
  ...KINDS.map((kind) => [kind, { kind, plural: false }] as const),
])

const COUNTS: ReadonlyMap<string, number> = new Map([
  ...NUMBERS.map((word, count) => [word as string, count] as const),
  ...['a', 'an', 'the'].map((article) => [article, 1] as const),
])

/** What is neither noun phrase nor claim is passed over: "there is", "a picture of", the setting. */
export function parseCaption(caption: string): ParsedCaption {
  const words = caption.toLowerCase().match(/[a-z]+/g) ?? []
  const phrases: CountedPhrase[] = []
  const claims: Claim[] = []
  let end = 0
  const close = (until: number, next: CountedPhrase | null): void => {
    const last = phrases.at(-1)
    if (last !== undefined) claims.push(...claimsIn(words.slice(end, until).join(' '), last, next))
  }
  for (const [i, word] of words.entries()) {
    const noun = NOUNS.get(word)
    if (noun === undefined) continue
    let start = i
    const before = words[start - 1] ?? ''
    const colour = start > end && isColour(before) ? before : null
    if (colour !== null) start -= 1
    const number = start > end ? COUNTS.get(words[start - 1] ?? '') : undefined
    if (number !== undefined) start -= 1
    // A plural without a number says no more than that there are several.
    const phrase = { kind: noun.kind, colour, count: number ?? (noun.plural ? 2 : 1) }
    close(start, phrase)
    phrases.push(phrase)
    end = i + 1
  }
  close(words.length, null)
  return { phrases, claims }
}

/** What the words between two noun phrases claim of the first: "at the top left", "behind", both or nothing. */
function claimsIn(between: string, phrase: CountedPhrase, next: CountedPhrase | null): Claim[] {
  const place = LONGEST_PLACES.find((name) => begins(between, name))
  const rest = place === undefined ? between : between.slice(place.length).trim()
  const relation = rest === 'in' ? 'inside' : RELATIONS.find((name) => begins(rest, name))
  const reaches = rest === 'in' || rest === relation
  return [
    ...(place === undefined ? [] : [{ phrase, place }]),
    ...(relation === undefined ? [] : [{ phrase, relation, other: reaches ? next : null }]),
  ]
}

function begins(text: string, words: string): boolean {
  return text === words || text.startsWith(`${words} `)
}

// --- judging ---

/** Multisets: how often there is each. */
type Totals = ReadonlyMap<string, number>

function totalled(entries: readonly (readonly [name: string, count: number])[]): Totals {
  const totals = new Map<string, number>()
  for (const [name, count] of entries) totals.set(name, (totals.get(name) ?? 0) + count)
  return totals
}

function inCommon(a: Totals, b: Totals): number {
  return sum([...a].map(([name, count]) => Math.min(count, b.get(name) ?? 0)))
}

function coloursOf(phrases: readonly CountedPhrase[], { objects }: Scene): Tally {
  const coloured = phrases.filter(({ colour }) => colour !== null)
  const named = totalled(coloured.map(({ kind, colour, count }) => [`${colour ?? ''} ${kind}`, count]))
  const drawn = totalled(objects.map(({ kind, colour }) => [`${colour ?? ''} ${kind}`, 1]))
  const there = inCommon(
    totalled(coloured.map(({ kind, count }) => [kind, count])),
    totalled(objects.map(({ kind }) => [kind, 1])),
  )
  return { right: inCommon(named, drawn), of: there }
}

function holds(claim: Claim, scene: Scene): boolean {
  const those = meant(claim.phrase, scene)
  if ('place' in claim) return those.some((object) => mayBeSaidToBe(claim.place, object))
  const { relation, other } = claim
  if (other === null) return false
  return those.some((a) => meant(other, scene).some((b) => a !== b && isRelated(a, relation, b, scene)))
}

/** The objects of the kind, and of the colour where there are any in that. */
function meant({ kind, colour }: CountedPhrase, { objects }: Scene): SceneObject[] {
  const alike = objects.filter((object) => object.kind === kind)
  const exact = alike.filter((object) => object.colour === colour)
  return exact.length > 0 ? exact : alike
}

/** Without the margin in which nothing would be claimed: the centres decide. */
function isRelated(a: SceneObject, relation: Relation, b: SceneObject, { objects }: Scene): boolean {
  switch (relation) {
    case 'inside':
      return objects[a.inside ?? -1] === b
    case 'behind':
      return objects[a.behind ?? -1] === b
    case 'in front of':
      return objects[b.behind ?? -1] === a
    case 'to the left of':
      return a.x < b.x
    case 'to the right of':
      return a.x > b.x
    case 'above':
      return a.y < b.y
    case 'below':
      return a.y > b.y
  }
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0)
}
