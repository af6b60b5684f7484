import { describe, expect, it } from 'vitest'
import { drawScene } from './draw.ts'
import { judgeCaption, namedKinds } from './judge.ts'
import { KINDS } from './kinds.ts'
import { captionsOf, questionsOf } from './language.ts'
import { FIRST_HELD_OUT_SEED, makeScene, SCENE_SIZE } from './scene.ts'

const SEEDS = [...Array(200).keys(), ...Array.from({ length: 200 }, (_, i) => FIRST_HELD_OUT_SEED + i)]

describe('scenes', () => {
  it('are the same for the same seed and differ between seeds', () => {
    expect(drawScene(makeScene(7))).toBe(drawScene(makeScene(7)))
    expect(new Set(SEEDS.map((seed) => drawScene(makeScene(seed)))).size).toBe(SEEDS.length)
  })

  it('hold one to three different kinds, from left to right, within the picture', () => {
    for (const seed of SEEDS) {
      const { objects } = makeScene(seed)
      expect(objects.length).toBeGreaterThanOrEqual(1)
      expect(objects.length).toBeLessThanOrEqual(3)
      expect(new Set(objects.map((object) => object.kind)).size).toBe(objects.length)
      expect(objects.map((object) => object.x)).toEqual(
        objects.map((object) => object.x).sort((a, b) => a - b),
      )
      for (const { x, y, size } of objects) {
        expect(Math.min(x, y) - size / 2).toBeGreaterThan(0)
        expect(Math.max(x, y) + size / 2).toBeLessThan(SCENE_SIZE)
      }
    }
  })

  it('use every kind there is', () => {
    const used = new Set(
      Array.from({ length: 1000 }, (_, seed) => makeScene(seed).objects.map((object) => object.kind)).flat(),
    )
    expect([...used].sort()).toEqual([...KINDS].sort())
  })

  it('are drawn without scripts, outside references or clashing ids', () => {
    for (const seed of SEEDS) {
      const svg = drawScene(makeScene(seed))
      expect(svg).not.toMatch(/<script|href="(?!#)/)
      const ids = [...svg.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
      expect(new Set(ids).size).toBe(ids.length)
    }
  })
})

describe('captions', () => {
  it('name exactly what is drawn', () => {
    for (const seed of SEEDS) {
      const scene = makeScene(seed)
      for (const caption of captionsOf(scene, 5))
        expect(judgeCaption(caption, scene), caption).toMatchObject({ right: true })
    }
  })

  it('are judged wrong when a kind is missing, added or mistaken', () => {
    const scene = makeScene(SEEDS.find((seed) => makeScene(seed).objects.length === 2) ?? 0)
    const [first, second] = scene.objects.map((object) => object.kind)
    const other = KINDS.find((kind) => kind !== first && kind !== second) ?? ''
    expect(judgeCaption(`a ${first ?? ''}`, scene)).toMatchObject({ right: false, precision: 1, recall: 0.5 })
    expect(judgeCaption(`a ${first ?? ''}, a ${second ?? ''} and a ${other}`, scene)).toMatchObject({
      right: false,
      recall: 1,
    })
    expect(judgeCaption('', scene)).toMatchObject({ right: false, recall: 0 })
  })

  it('are read as whole words, plural or not', () => {
    expect(namedKinds('two cats and a category of buses')).toEqual(['cat', 'bus'])
  })
})

describe('questions', () => {
  it('say yes to what is drawn and no to what is not', () => {
    const scene = makeScene(3)
    const kinds = scene.objects.map((object) => object.kind)
    const absent = KINDS.find((kind) => !kinds.includes(kind)) ?? ''
    const presence = questionsOf(scene, [absent]).filter(({ type }) => type === 'presence')
    for (const { question, answer } of presence)
      expect(answer).toBe(kinds.some((kind) => question.includes(kind)) ? 'yes' : 'no')
  })
})
