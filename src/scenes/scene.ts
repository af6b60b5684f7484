/**
 * A drawn scene: a seed becomes a list of objects and a background. Drawing and wording are made from this list, so
 * what a caption should say is known exactly. Coordinates are those of the 224 × 224 picture.
 */
import { COLOUR_NAMES, ICON_KINDS, isIcon, SHAPE_KINDS, type Colour, type Kind } from './kinds.ts'
import { seededRandom, type Random } from './random.ts'

export const SCENE_SIZE = 224

/** Seeds below this are for training; at and above it a scene is held out, for examples and measurements. */
export const FIRST_HELD_OUT_SEED = 1_000_000

export interface SceneObject {
  kind: Kind
  /** Shapes have a colour; icons bring their own. */
  colour: Colour | null
  /** Centre and width in picture units. */
  x: number
  y: number
  size: number
  /** Degrees, clockwise. */
  rotation: number
}

export type Background =
  | { style: 'plain'; colour: string }
  | { style: 'gradient'; from: string; to: string }
  | { style: 'striped'; colour: string; stripe: string; angle: number }
  | { style: 'meadow'; sky: string; ground: string; horizon: number }

export interface Scene {
  seed: number
  background: Background
  /** One to three objects of different kinds, from left to right. */
  objects: SceneObject[]
}

export function makeScene(seed: number): Scene {
  const random = seededRandom(seed)
  const count = random.pick([1, 1, 2, 2, 2, 3, 3])
  const objects = placeObjects(random, chooseKinds(random, count))
  return { seed, background: chooseBackground(random), objects: objects.sort((a, b) => a.x - b.x) }
}

/** About one object in four is a shape. Kinds within a scene differ, so that naming them is unambiguous. */
function chooseKinds(random: Random, count: number): { kind: Kind; colour: Colour | null }[] {
  const shapes = Array.from({ length: count }, () => random.next() < 0.25).filter(Boolean).length
  const kinds: Kind[] = [...random.sample(SHAPE_KINDS, shapes), ...random.sample(ICON_KINDS, count - shapes)]
  const colours = random.sample(COLOUR_NAMES, kinds.length)
  return random
    .sample(kinds, kinds.length)
    .map((kind, i) => ({ kind, colour: isIcon(kind) ? null : (colours[i] ?? 'red') }))
}

/** Draws places until none overlaps another by much; more objects are smaller. */
function placeObjects(random: Random, chosen: { kind: Kind; colour: Colour | null }[]): SceneObject[] {
  const [low, high] = chosen.length === 1 ? [80, 150] : chosen.length === 2 ? [66, 100] : [58, 84]
  for (let attempt = 0; ; attempt += 1) {
    const objects = chosen.map(({ kind, colour }) => {
      const size = random.between(low, high)
      const at = (): number => random.between(size / 2 + 4, SCENE_SIZE - size / 2 - 4)
      return { kind, colour, x: at(), y: at(), size, rotation: random.between(-12, 12) }
    })
    if (attempt > 200 || objects.every((a, i) => objects.slice(i + 1).every((b) => apart(a, b))))
      return objects
  }
}

function apart(a: SceneObject, b: SceneObject): boolean {
  return Math.hypot(a.x - b.x, a.y - b.y) > 0.5 * (a.size + b.size) * 1.02 && Math.abs(a.x - b.x) > 12
}

const PALE: [string, ...string[]] = [
  '#f4efe6',
  '#dcebf7',
  '#e6f2df',
  '#f7e3e3',
  '#ece4f5',
  '#d8d8d8',
  '#fff6cf',
  '#c9e4e0',
]

function chooseBackground(random: Random): Background {
  switch (random.pick(['plain', 'plain', 'gradient', 'striped', 'meadow'])) {
    case 'gradient':
      return { style: 'gradient', from: random.pick(PALE), to: random.pick(PALE) }
    case 'striped':
      return {
        style: 'striped',
        colour: random.pick(PALE),
        stripe: random.pick(PALE),
        angle: random.pick([0, 45, 90, 135]),
      }
    case 'meadow': {
      const horizon = random.between(90, 170)
      return {
        style: 'meadow',
        sky: random.pick(['#bfe3ff', '#a9d6f5', '#ffe0c2']),
        ground: random.pick(['#9bd08a', '#b7d98b', '#d9c48f']),
        horizon,
      }
    }
    default:
      return { style: 'plain', colour: random.pick(PALE) }
  }
}
