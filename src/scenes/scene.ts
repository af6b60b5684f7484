/**
 * A drawn scene: a seed becomes a list of objects and a background. Drawing and wording are made from this list, so
 * what a caption should say is known exactly. Coordinates are those of the 224 × 224 picture.
 */
import { chooseBackground, type Background } from './background.ts'
import { hasNewCombination, type Combined } from './combinations.ts'
import { COLOUR_NAMES, CONTAINER_KINDS, ICON_KINDS, isColoured, SHAPE_KINDS, THING_KINDS } from './kinds.ts'
import type { Colour, Kind } from './kinds.ts'
import { placeObjects } from './place.ts'
import { seededRandom, type Random } from './random.ts'

export const MOST_OBJECTS = 5

/** Seeds below this are for training; at and above it a scene is held out, for examples and measurements. */
export const FIRST_HELD_OUT_SEED = 1_000_000

export interface SceneObject {
  kind: Kind
  /** Icons bring their own colours. */
  colour: Colour | null
  /** Centre and width in picture units. */
  x: number
  y: number
  size: number
  /** Degrees, clockwise. */
  rotation: number
  /** Which of the scene's objects this one is inside of, or behind, by its place in the list. */
  inside: number | null
  behind: number | null
}

export interface Scene {
  seed: number
  background: Background
  /** One to five, from left to right. */
  objects: SceneObject[]
}

/** `trained`: as in training; `new`: with at least one combination that training never showed. */
export type Combinations = 'trained' | 'new'

/** The scene of a seed. Throws a RangeError when no scene follows the rules, which no seed has been seen to do. */
export function makeScene(seed: number, combinations: Combinations = 'trained'): Scene {
  const random = seededRandom(combinations === 'trained' ? seed : seed ^ 0x3c6ef372)
  const count = random.pick([1, 2, 2, 3, 3, 3, 4, 4, 5, 5])
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const chosen = chooseObjects(random, count)
    if (hasNewCombination(chosen) !== (combinations === 'new')) continue
    const objects = fromLeftToRight(placeObjects(random, chosen))
    return { seed, background: chooseBackground(random), objects }
  }
  throw new RangeError(`Seed ${seed} makes no scene.`)
}

/** Kinds, colours and who is inside of or behind whom; the two of a relation are the only ones of their kinds. */
function chooseObjects(random: Random, count: number): Combined[] {
  const relation = count === 1 ? 'none' : random.pick(['none', 'none', 'inside', 'behind'])
  const kinds = distinctKinds(random, count)
  if (relation === 'inside') {
    const container = { ...coloured(random, random.pick(CONTAINER_KINDS)), inside: null, behind: null }
    const content = { ...coloured(random, kinds[0] ?? 'cat'), inside: 0, behind: null }
    return [container, content, ...others(random, kinds.slice(1, count - 1))]
  }
  if (relation === 'behind') {
    const front = { ...coloured(random, kinds[0] ?? 'cat'), inside: null, behind: null }
    const back = { ...coloured(random, kinds[1] ?? 'dog'), inside: null, behind: 0 }
    return [front, back, ...others(random, kinds.slice(2, count))]
  }
  return others(random, kinds)
}

/** Now and then several of a kind, so that there is something to count; of one colour or of several. */
function others(random: Random, kinds: readonly Kind[]): Combined[] {
  const repeated =
    kinds.length > 1 && random.next() < 0.4 ? 2 + Math.floor(random.next() * (kinds.length - 1)) : 1
  const oneColour = random.next() < 0.6
  const first = kinds[0]
  if (first === undefined) return []
  const group = coloured(random, first)
  return kinds.map((kind, i) => {
    const object = i >= repeated ? coloured(random, kind) : oneColour ? group : coloured(random, first)
    return { ...object, inside: null, behind: null }
  })
}

function distinctKinds(random: Random, count: number): Kind[] {
  const kinds: Kind[] = []
  while (kinds.length < count) {
    const kind = kindOf(random)
    if (!kinds.includes(kind)) kinds.push(kind)
  }
  return kinds
}

/** Half of what stands about comes in colours; an empty container is rare. */
function kindOf(random: Random): Kind {
  const share = random.next()
  if (share < 0.22) return random.pick(SHAPE_KINDS)
  if (share < 0.47) return random.pick(THING_KINDS)
  if (share < 0.49) return random.pick(CONTAINER_KINDS)
  return random.sample(ICON_KINDS, 1)[0] ?? 'cat'
}

function coloured(random: Random, kind: Kind): { kind: Kind; colour: Colour | null } {
  return { kind, colour: isColoured(kind) ? random.pick(COLOUR_NAMES) : null }
}

function fromLeftToRight(objects: readonly SceneObject[]): SceneObject[] {
  const order = objects.map((_, i) => i).sort((a, b) => (objects[a]?.x ?? 0) - (objects[b]?.x ?? 0))
  const moved = (i: number | null): number | null => (i === null ? null : order.indexOf(i))
  return order.flatMap((i) => {
    const object = objects[i]
    return object === undefined
      ? []
      : [{ ...object, inside: moved(object.inside), behind: moved(object.behind) }]
  })
}
