/**
 * A fixed share of combinations is never shown in training, so that it can be measured whether the model has learned
 * the parts or only what it saw together (compositional generalisation).
 */
import type { Colour, Kind } from './kinds.ts'

/** One combination in so many is kept from training. */
const HELD_OUT = { colouring: 8, pair: 20, relation: 8 } as const

export interface Combined {
  kind: Kind
  colour: Colour | null
  /** The object of the same scene that this one is inside of or behind, by its place in the list. */
  inside: number | null
  behind: number | null
}

/** A kind in a colour that training never showed. */
export function isNewColouring(kind: Kind, colour: Colour): boolean {
  return chosen(`${colour} ${kind}`, HELD_OUT.colouring)
}

/** Two kinds that training never showed in one scene. */
export function isNewPair(a: Kind, b: Kind): boolean {
  return a !== b && chosen([a, b].sort().join(' and '), HELD_OUT.pair)
}

/** A kind inside or behind another as training never showed it. */
export function isNewRelation(kind: Kind, relation: 'inside' | 'behind', other: Kind): boolean {
  return chosen(`${kind} ${relation} ${other}`, HELD_OUT.relation)
}

/** Whether a scene holds any combination that is kept from training. */
export function hasNewCombination(objects: readonly Combined[]): boolean {
  return objects.some(
    (object, i) =>
      (object.colour !== null && isNewColouring(object.kind, object.colour)) ||
      objects.slice(i + 1).some((other) => isNewPair(object.kind, other.kind)) ||
      relationsOf(object).some(({ relation, other }) => {
        const to = objects[other]
        return to !== undefined && isNewRelation(object.kind, relation, to.kind)
      }),
  )
}

function relationsOf({ inside, behind }: Combined): { relation: 'inside' | 'behind'; other: number }[] {
  return [
    ...(inside === null ? [] : [{ relation: 'inside' as const, other: inside }]),
    ...(behind === null ? [] : [{ relation: 'behind' as const, other: behind }]),
  ]
}

/** FNV-1a, 32 bit (Fowler, Noll, Vo), so that the choice depends on the words alone and never on their order. */
function chosen(words: string, oneIn: number): boolean {
  let hash = 0x811c9dc5
  for (const letter of words) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0
  // The last bits of FNV are poor; fold the upper half in.
  return ((hash ^ (hash >>> 16)) >>> 0) % oneIn === 0
}
