/** What there is to say about a scene, in varied wording, all lower case. Questions are in questions.ts. */
import { articleFor, pluralOf } from './kinds.ts'
import { seededRandom, type Random } from './random.ts'
import { isAt, placeOf } from './relations.ts'
import type { Scene, SceneObject } from './scene.ts'

export const NUMBERS = ['no', 'one', 'two', 'three', 'four', 'five'] as const

/** "red circle", "apple". */
export function words({ kind, colour }: Pick<SceneObject, 'kind' | 'colour'>): string {
  return colour === null ? kind : `${colour} ${kind}`
}

/** "a red circle", "an apple". */
export function nounPhrase(object: Pick<SceneObject, 'kind' | 'colour'>): string {
  return `${articleFor(words(object))} ${words(object)}`
}

/** "two red circles": what looks alike is counted. */
function counted(objects: readonly SceneObject[]): string {
  const [first] = objects
  if (first === undefined) return ''
  if (objects.length === 1) return nounPhrase(first)
  const plural = pluralOf(first.kind)
  return `${NUMBERS[objects.length] ?? 'many'} ${first.colour === null ? plural : `${first.colour} ${plural}`}`
}

/** "a cat, two red circles and an apple": in the order given, what looks alike together. "nothing" when empty. */
export function listOf(objects: readonly SceneObject[]): string {
  return joined(alike(objects).map(counted))
}

export function joined(phrases: readonly string[]): string {
  if (phrases.length === 0) return 'nothing'
  const last = phrases.at(-1) ?? ''
  return phrases.length === 1 ? last : `${phrases.slice(0, -1).join(', ')} and ${last}`
}

function alike(objects: readonly SceneObject[]): SceneObject[][] {
  const groups = new Map<string, SceneObject[]>()
  for (const object of objects) groups.set(words(object), [...(groups.get(words(object)) ?? []), object])
  return [...groups.values()]
}

/** `count` captions of a scene, made from its seed; objects are named from left to right. */
export function captionsOf(scene: Scene, count: number): string[] {
  const random = seededRandom(scene.seed ^ 0x51ed270b)
  return Array.from({ length: count }, () => caption(random, scene))
}

function caption(random: Random, scene: Scene): string {
  const phrases = captionPhrases(random, scene)
  const text = twoApart(random, scene, phrases) ?? joined(phrases)
  const frame = random.pick(['', '', '', '', 'there is ', 'a drawing of ', 'a picture of '])
  const begun = frame === 'there is ' && !/^an? /.test(text) ? 'there are ' : frame
  const setting = random.next() < 0.25 ? ` ${settingOf(scene)}` : ''
  return `${begun}${text}${setting}`
}

/** One phrase for what looks alike; who is inside of or behind something is named together with it. */
function captionPhrases(random: Random, scene: Scene): string[] {
  const withPlaces = scene.objects.length < 4 && random.next() < 0.25
  const related = new Set(
    scene.objects.flatMap(({ inside, behind }, i) =>
      (inside ?? behind) === null ? [] : [i, inside ?? behind],
    ),
  )
  const free = alike(scene.objects.filter((_, i) => !related.has(i))).map((group) => {
    const place = group.length === 1 && group[0] !== undefined ? placeOf(group[0]) : null
    return {
      x: group[0]?.x ?? 0,
      text: withPlaces && place !== null ? `${counted(group)} ${place}` : counted(group),
    }
  })
  const pairs = scene.objects.flatMap((object) => {
    const other = scene.objects[object.inside ?? object.behind ?? -1]
    if (other === undefined) return []
    const text =
      object.inside === null && random.next() < 0.3
        ? `${nounPhrase(other)} in front of ${nounPhrase(object)}`
        : `${nounPhrase(object)} ${object.inside === null ? 'behind' : 'inside'} ${nounPhrase(other)}`
    return [{ x: Math.min(object.x, other.x), text }]
  })
  return [...free, ...pairs].sort((a, b) => a.x - b.x).map(({ text }) => text)
}

/** Two things and nothing else: now and then how they stand to each other. */
function twoApart(random: Random, scene: Scene, phrases: readonly string[]): string | null {
  const [a, b] = scene.objects
  if (a === undefined || b === undefined || scene.objects.length > 2 || phrases.length !== 2) return null
  if (random.next() < 0.4) return null
  const [first, second] = [nounPhrase(a), nounPhrase(b)]
  if (Math.abs(a.y - b.y) > 1.2 * Math.abs(a.x - b.x)) {
    if (isAt(a, 'above', b) === true)
      return random.pick([`${first} above ${second}`, `${second} below ${first}`])
    if (isAt(b, 'above', a) === true)
      return random.pick([`${second} above ${first}`, `${first} below ${second}`])
  }
  if (isAt(a, 'left', b) !== true) return null
  return random.pick([
    `${first} to the left of ${second}`,
    `${first} to the left of ${second}`,
    `${second} to the right of ${first}`,
  ])
}

export function settingOf({ background }: Scene): string {
  switch (background.style) {
    case 'field':
      return 'in a field'
    case 'beach':
      return 'on a beach'
    case 'striped':
    case 'checked':
    case 'dotted':
      return `on a ${background.style} background`
    case 'plain':
    case 'gradient':
      return 'on a plain background'
  }
}
