import { describe, expect, it } from 'vitest'
import { hasNewCombination, isNewColouring, isNewPair, isNewRelation } from './combinations.ts'
import { drawScene, seenAt } from './draw.ts'
import { COLOUR_NAMES, COLOURED_KINDS, CONTAINER_KINDS, isContainer, KINDS } from './kinds.ts'
import { SCENE_SIZE } from './place.ts'
import { FIRST_HELD_OUT_SEED, makeScene, MOST_OBJECTS, type SceneObject } from './scene.ts'

const SEEDS = [...Array(200).keys(), ...Array.from({ length: 200 }, (_, i) => FIRST_HELD_OUT_SEED + i)]
const SCENES = SEEDS.flatMap((seed) => [makeScene(seed), makeScene(seed, 'new')])

function distance(a: SceneObject, b: SceneObject): number {
  return Math.hypot(a.x - b.x, a.y - b.y) / (0.5 * (a.size + b.size))
}

describe('scenes', () => {
  it('are the same for the same seed and differ between seeds', () => {
    expect(drawScene(makeScene(7))).toBe(drawScene(makeScene(7)))
    expect(new Set(SCENES.map((scene) => drawScene(scene))).size).toBe(SCENES.length)
  })

  it('hold one to five objects, from left to right, within the picture', () => {
    for (const { objects } of SCENES) {
      expect(objects.length).toBeGreaterThanOrEqual(1)
      expect(objects.length).toBeLessThanOrEqual(MOST_OBJECTS)
      expect(objects.map(({ x }) => x)).toEqual(objects.map(({ x }) => x).sort((a, b) => a - b))
      for (const { x, y, size } of objects) {
        expect(Math.min(x, y) - size / 2).toBeGreaterThan(0)
        expect(Math.max(x, y) + size / 2).toBeLessThan(SCENE_SIZE)
      }
    }
    expect(new Set(SCENES.map(({ objects }) => objects.length)).size).toBe(MOST_OBJECTS)
  })

  it('keep apart what is neither inside of nor behind something', () => {
    for (const { objects } of SCENES)
      for (const [i, a] of objects.entries())
        for (const [k, b] of objects.entries()) {
          if (i >= k || [a.inside, a.behind].includes(k) || [b.inside, b.behind].includes(i)) continue
          expect(distance(a, b)).toBeGreaterThan(1)
        }
  })

  it('put things wholly into containers, and only partly behind others', () => {
    const inside = SCENES.flatMap(({ objects }) =>
      objects
        .filter((object) => object.inside !== null)
        .map((object) => ({ object, other: objects[object.inside ?? -1] })),
    )
    const behind = SCENES.flatMap(({ objects }) =>
      objects
        .filter((object) => object.behind !== null)
        .map((object) => ({ object, other: objects[object.behind ?? -1] })),
    )
    expect(Math.min(inside.length, behind.length)).toBeGreaterThan(50)
    for (const { object, other } of inside) {
      expect(other !== undefined && isContainer(other.kind)).toBe(true)
      expect(Math.abs(object.x - (other?.x ?? NaN)) + object.size / 2).toBeLessThan((other?.size ?? NaN) / 2)
      expect(Math.abs(object.y - (other?.y ?? NaN)) + object.size / 2).toBeLessThan(
        (other?.size ?? NaN) / 2 + 1,
      )
    }
    for (const { object, other } of behind) {
      if (other === undefined) throw new Error('behind nothing')
      expect(distance(object, other)).toBeGreaterThan(0.6)
      expect(distance(object, other)).toBeLessThan(0.9)
    }
  })

  it('use every kind there is, and every colour', () => {
    const objects = Array.from({ length: 1500 }, (_, seed) => makeScene(seed).objects).flat()
    expect([...new Set(objects.map(({ kind }) => kind))].sort()).toEqual([...KINDS].sort())
    expect(new Set(objects.flatMap(({ colour }) => colour ?? []))).toEqual(new Set(COLOUR_NAMES))
    expect(KINDS.length).toBeGreaterThanOrEqual(60)
  })

  it('are drawn without scripts, outside references or clashing ids', () => {
    for (const scene of SCENES) {
      const svg = drawScene(scene)
      expect(svg).not.toMatch(/<script|href="(?!#)/)
      const ids = [...svg.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
      expect(new Set(ids).size).toBe(ids.length)
    }
  })

  it('are seen where the camera has turned them to', () => {
    const middle = { x: 112, y: 112 }
    expect(seenAt(middle, { rotation: 30, right: 2, down: -3 })).toEqual({ x: 114, y: 109 })
    const turned = seenAt({ x: 212, y: 112 }, { rotation: 90, right: 0, down: 0 })
    expect(turned.x).toBeCloseTo(112)
    expect(turned.y).toBeCloseTo(212)
  })
})

describe('combinations', () => {
  it('of training never hold what is kept from it, and new ones always do', () => {
    for (const seed of SEEDS) {
      expect(hasNewCombination(makeScene(seed).objects)).toBe(false)
      expect(hasNewCombination(makeScene(seed, 'new').objects)).toBe(true)
    }
  })

  it('are kept in fixed shares, so that each kind and each colour is still seen', () => {
    const colourings = COLOURED_KINDS.flatMap((kind) => COLOUR_NAMES.map((colour) => ({ kind, colour })))
    const kept = colourings.filter(({ kind, colour }) => isNewColouring(kind, colour))
    expect(kept.length / colourings.length).toBeGreaterThan(0.06)
    expect(kept.length / colourings.length).toBeLessThan(0.2)
    for (const kind of COLOURED_KINDS) expect(kept.filter((one) => one.kind === kind).length).toBeLessThan(5)
    for (const colour of COLOUR_NAMES)
      expect(kept.filter((one) => one.colour === colour).length).toBeLessThan(COLOURED_KINDS.length / 2)
    const pairs = KINDS.flatMap((a, i) => KINDS.slice(i + 1).map((b) => isNewPair(a, b)))
    expect(pairs.filter(Boolean).length / pairs.length).toBeCloseTo(1 / 20, 1)
    const relations = KINDS.flatMap((a) => CONTAINER_KINDS.map((b) => isNewRelation(a, 'inside', b)))
    expect(relations.filter(Boolean).length / relations.length).toBeCloseTo(1 / 8, 1)
  })

  it('do not depend on the order of a pair', () => {
    for (const a of KINDS) for (const b of KINDS) expect(isNewPair(a, b)).toBe(isNewPair(b, a))
  })
})
