/** Where the objects of a scene stand: apart, but for what is inside of or behind something. */
import type { Combined } from './combinations.ts'
import { containerParts } from './drawings.ts'
import { isContainer } from './kinds.ts'
import type { Random } from './random.ts'

/** Width and height of a scene, in the pixels of all its coordinates. */
export const SCENE_SIZE = 224
const EDGE = 4
/** Centres of different things are never above each other to the pixel, so that left and right mean something. */
const LEAST_DISTANCE_ACROSS = 10

interface Placed extends Combined {
  x: number
  y: number
  size: number
  rotation: number
}

/** Widths by how many objects there are; a container that holds something needs more. */
const SIZES: readonly (readonly [low: number, high: number])[] = [
  [84, 150],
  [68, 104],
  [60, 84],
  [55, 72],
  [52, 64],
]
const CONTAINER_SIZES: readonly (readonly [low: number, high: number])[] = [
  [112, 150],
  [112, 150],
  [106, 126],
  [102, 114],
  [98, 106],
]

/** Draws places until nothing is in the way of anything; after many tries everything is made a little smaller. */
export function placeObjects(random: Random, chosen: readonly Combined[]): Placed[] {
  for (let attempt = 0; ; attempt += 1) {
    const placed = tryToPlace(random, chosen, 0.97 ** Math.floor(attempt / 50))
    if (placed !== null) return placed
  }
}

function tryToPlace(random: Random, chosen: readonly Combined[], scale: number): Placed[] | null {
  const placed: Placed[] = []
  for (const [i, object] of chosen.entries()) {
    const used = chosen.some(({ inside }) => inside === i)
    const [low, high] = (used ? CONTAINER_SIZES : SIZES)[chosen.length - 1] ?? [52, 64]
    const size = random.between(low, high) * scale
    const next = placeOne(random, object, size, placed)
    const free = placed.every((other, k) => k === object.inside || k === object.behind || apart(next, other))
    if (!free || !within(next)) return null
    placed.push(next)
  }
  return placed
}

/** What something is inside of or behind stands before it in the list. */
function placeOne(random: Random, object: Combined, size: number, placed: readonly Placed[]): Placed {
  const container = object.inside === null ? undefined : placed[object.inside]
  if (container !== undefined && isContainer(container.kind)) {
    const { x, y, size: width } = containerParts(container.kind, container.colour ?? 'red').inside
    const unit = container.size / 32
    return {
      ...object,
      x: container.x + (x - 16) * unit,
      y: container.y + (y - 16) * unit,
      size: width * unit,
      rotation: random.between(-8, 8),
    }
  }
  const rotation = random.between(-12, 12)
  const front = object.behind === null ? undefined : placed[object.behind]
  if (front !== undefined) {
    // Near enough that a quarter or so is hidden, far enough that one still sees what it is.
    const distance = 0.5 * (size + front.size) * random.between(0.68, 0.8)
    const angle = random.between(-0.9, 0.9) + (random.next() < 0.5 ? Math.PI : 0)
    const [x, y] = [front.x + distance * Math.cos(angle), front.y - Math.abs(distance * Math.sin(angle))]
    return { ...object, x, y, size, rotation }
  }
  const at = (): number => random.between(size / 2 + EDGE, SCENE_SIZE - size / 2 - EDGE)
  return { ...object, x: at(), y: at(), size, rotation: isContainer(object.kind) ? rotation / 4 : rotation }
}

function within({ x, y, size }: Placed): boolean {
  const [low, high] = [size / 2 + EDGE, SCENE_SIZE - size / 2 - EDGE]
  return x > low && x < high && y > low && y < high
}

function apart(a: Placed, b: Placed): boolean {
  return (
    Math.hypot(a.x - b.x, a.y - b.y) > 0.5 * (a.size + b.size) * 1.04 &&
    Math.abs(a.x - b.x) > LEAST_DISTANCE_ACROSS
  )
}
