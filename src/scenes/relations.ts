/** Who is where: relations and places that a person would agree on, with a margin in which nothing is claimed. */
import { SCENE_SIZE } from './place.ts'
import type { Scene, SceneObject } from './scene.ts'

/** Picture units by which two centres must differ before one is to the left of or above the other. */
export const MARGIN = 24

export const SPATIAL = ['left', 'right', 'above', 'below'] as const
export type Spatial = (typeof SPATIAL)[number]

/** Whether `a` is `relation` of `b`; null when it is too close to tell. */
export function isAt(a: SceneObject, relation: Spatial, b: SceneObject): boolean | null {
  const ahead = { left: b.x - a.x, right: a.x - b.x, above: b.y - a.y, below: a.y - b.y }[relation]
  return Math.abs(ahead) < MARGIN ? null : ahead > 0
}

/** The objects that are `relation` of one, from left to right; null when that cannot be said of each of the others. */
export function objectsAt(scene: Scene, relation: Spatial, of: SceneObject): SceneObject[] | null {
  const others = scene.objects.filter((object) => object !== of)
  const verdicts = others.map((object) => isAt(object, relation, of))
  return verdicts.includes(null) ? null : others.filter((_, i) => verdicts[i])
}

/** The one that is furthest to a side, when it is so by more than the margin. */
export function outermost(scene: Scene, side: Spatial): SceneObject | null {
  if (scene.objects.length === 1) return null
  const [first] = scene.objects.filter((object) =>
    scene.objects.every((other) => other === object || isAt(object, side, other) === true),
  )
  return first ?? null
}

/** Ninths of the picture in words. */
const PLACES = [
  ['at the top left', 'at the top', 'at the top right'],
  ['on the left', 'in the middle', 'on the right'],
  ['at the bottom left', 'at the bottom', 'at the bottom right'],
] as const
export type Place = (typeof PLACES)[number][number]

export const PLACE_NAMES: readonly Place[] = PLACES.flat()

const THIRD = SCENE_SIZE / 3
/** As near to a line between two ninths as this, nothing is said. */
const DOUBT = 9

/** Which ninth of the picture an object is in; null near a line. */
export function placeOf({ x, y }: SceneObject): Place | null {
  const [column, row] = [third(x), third(y)]
  return column === null || row === null ? null : (PLACES[row]?.[column] ?? null)
}

/** Whether a ninth may be said of an object: its own, and near a line also the ninth beyond. */
export function mayBeSaidToBe(place: Place, { x, y }: SceneObject): boolean {
  const near = [-DOUBT, DOUBT]
  return near.some((down) =>
    near.some((right) => PLACES[whichThird(y + down)]?.[whichThird(x + right)] === place),
  )
}

function third(value: number): number | null {
  const near = [THIRD, 2 * THIRD].some((line) => Math.abs(value - line) < DOUBT)
  return near ? null : whichThird(value)
}

function whichThird(value: number): number {
  return Math.min(2, Math.max(0, Math.floor(value / THIRD)))
}

/** The largest or smallest by a quarter of its width or more. */
export function extremeSize(scene: Scene, which: 'largest' | 'smallest'): SceneObject | null {
  const sorted = [...scene.objects].sort((a, b) => (which === 'largest' ? b.size - a.size : a.size - b.size))
  const [first, second] = sorted
  if (first === undefined || second === undefined) return null
  const ratio = which === 'largest' ? first.size / second.size : second.size / first.size
  return ratio > 1.25 ? first : null
}
