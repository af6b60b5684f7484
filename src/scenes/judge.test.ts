import { describe, expect, it } from 'vitest'
import { isAnswer, judgeCaption, namedKinds, parseCaption, type Verdict } from './judge.ts'
import { COLOUR_NAMES, KINDS, type Colour, type Kind } from './kinds.ts'
import { captionsOf } from './language.ts'
import { FIRST_HELD_OUT_SEED, makeScene, type Scene, type SceneObject } from './scene.ts'

const SEEDS = [...Array(250).keys(), ...Array.from({ length: 250 }, (_, i) => FIRST_HELD_OUT_SEED + i)]
const SCENES = SEEDS.flatMap((seed) => [makeScene(seed), makeScene(seed, 'new')])
const CAPTIONED = SCENES.flatMap((scene) => captionsOf(scene, 5).map((caption) => ({ scene, caption })))

/** A scene of one's own; what is not said stands in the middle, in front of nothing. */
function sceneOf(objects: (Partial<SceneObject> & { kind: Kind })[]): Scene {
  const whole = objects.map((object) => ({
    colour: null,
    x: 112,
    y: 112,
    size: 60,
    rotation: 0,
    inside: null,
    behind: null,
    ...object,
  }))
  return { seed: 0, background: { style: 'plain', colour: '#fff' }, objects: whole }
}

function otherColour(colour: Colour): Colour {
  return COLOUR_NAMES[(COLOUR_NAMES.indexOf(colour) + 1) % COLOUR_NAMES.length] ?? 'red'
}

function absentKind(scene: Scene): Kind {
  return KINDS.find((kind) => scene.objects.every((object) => object.kind !== kind)) ?? 'cat'
}

describe('a caption', () => {
  it('is read as counted noun phrases', () => {
    expect(parseCaption('A cat, two red stars and an owl on a beach.').phrases).toEqual([
      { kind: 'cat', colour: null, count: 1 },
      { kind: 'star', colour: 'red', count: 2 },
      { kind: 'owl', colour: null, count: 1 },
    ])
    expect(parseCaption('there are butterflies and three blue fish').phrases).toEqual([
      { kind: 'butterfly', colour: null, count: 2 },
      { kind: 'fish', colour: 'blue', count: 3 },
    ])
    expect(parseCaption('a drawing of a category').phrases).toEqual([])
  })

  it('is read as claims of relations and places', () => {
    const [cat, box] = [
      { kind: 'cat', colour: null, count: 1 },
      { kind: 'box', colour: 'red', count: 1 },
    ]
    expect(parseCaption('a cat inside a red box in a field').claims).toEqual([
      { phrase: cat, relation: 'inside', other: box },
    ])
    expect(parseCaption('a red box at the top left and a cat on the right').claims).toEqual([
      { phrase: box, place: 'at the top left' },
      { phrase: cat, place: 'on the right' },
    ])
    expect(parseCaption('a cat to the left of a red box and a dog').claims).toEqual([
      { phrase: cat, relation: 'to the left of', other: box },
    ])
    expect(parseCaption('a cat behind').claims).toEqual([{ phrase: cat, relation: 'behind', other: null }])
  })

  it('names kinds in singular or plural, each once', () => {
    expect(namedKinds('two cats, a cat and a category of buses')).toEqual(['cat', 'bus'])
  })
})

describe('captions made of a scene', () => {
  it('are right in every respect, with every colour named', () => {
    for (const { scene, caption } of CAPTIONED) {
      const all = { right: scene.objects.length, of: scene.objects.length }
      const coloured = scene.objects.filter(({ colour }) => colour !== null).length
      const verdict = judgeCaption(caption, scene)
      expect(verdict, caption).toMatchObject({ right: true, faultless: true, named: all, drawn: all })
      expect(verdict.colours, caption).toEqual({ right: coloured, of: coloured })
      expect(verdict.relations.right, caption).toBe(verdict.relations.of)
    }
  })

  it('make every kind of claim', () => {
    const claims = CAPTIONED.flatMap(({ caption }) => parseCaption(caption).claims)
    expect(new Set(claims.map((claim) => ('place' in claim ? claim.place : claim.relation))).size).toBe(16)
  })

  it('are wrong by one object when one is added', () => {
    for (const { scene, caption } of CAPTIONED.slice(0, 1000)) {
      const count = scene.objects.length
      expect(judgeCaption(`a ${absentKind(scene)}, ${caption}`, scene)).toMatchObject({
        right: false,
        faultless: false,
        named: { right: count, of: count + 1 },
        drawn: { right: count, of: count },
      })
    }
  })

  it('are wrong by their colours alone when those change', () => {
    for (const { scene, caption } of CAPTIONED) {
      const changed = caption.replace(new RegExp(COLOUR_NAMES.join('|'), 'g'), (colour) =>
        otherColour(colour as Colour),
      )
      if (changed === caption) continue
      const verdict = judgeCaption(changed, scene)
      expect(verdict.right, changed).toBe(true)
      expect(verdict.colours.right, changed).toBeLessThan(verdict.colours.of)
      expect(verdict.faultless, changed).toBe(false)
    }
  })

  it('are wrong by their relations alone when those are turned round', () => {
    const OPPOSITE: Record<string, string> = {
      inside: 'behind',
      behind: 'in front of',
      'in front of': 'behind',
      'to the left of': 'to the right of',
      'to the right of': 'to the left of',
      above: 'below',
      below: 'above',
    }
    const relations = new RegExp(Object.keys(OPPOSITE).join('|'), 'g')
    const turned = CAPTIONED.map(({ scene, caption }) => {
      const words = caption.replace(relations, (relation) => OPPOSITE[relation] ?? relation)
      return { scene, caption, words }
    }).filter(({ caption, words }) => caption !== words)
    expect(turned.length).toBeGreaterThan(500)
    for (const { scene, words } of turned)
      expect(judgeCaption(words, scene), words).toMatchObject({ right: true, faultless: false })
  })
})

describe('a verdict', () => {
  const scene = sceneOf([
    { kind: 'star', colour: 'red', x: 40, y: 40 },
    { kind: 'star', colour: 'blue', x: 112, y: 60 },
    { kind: 'box', colour: 'green', x: 180, y: 180 },
    { kind: 'cat', x: 180, y: 170, inside: 2 },
  ])
  const of = (caption: string): Verdict => judgeCaption(caption, scene)

  it('counts how often a kind is named', () => {
    expect(of('three stars and a cat inside a box')).toMatchObject({
      right: false,
      named: { right: 4, of: 5 },
      drawn: { right: 4, of: 4 },
    })
    expect(of('a red star')).toMatchObject({ named: { right: 1, of: 1 }, drawn: { right: 1, of: 4 } })
    expect(of('')).toMatchObject({ right: false, named: { right: 0, of: 0 }, drawn: { right: 0, of: 4 } })
  })

  it('asks for a colour only of what is there', () => {
    expect(of('two red stars and a red moon')).toMatchObject({ colours: { right: 1, of: 2 } })
    expect(of('three red stars').colours).toEqual({ right: 1, of: 2 })
    expect(of('a star and a black cat').colours).toEqual({ right: 0, of: 1 })
  })

  it('holds a relation against the objects that are meant', () => {
    expect(of('a cat inside a green box').relations).toEqual({ right: 1, of: 1 })
    expect(of('a cat inside a yellow box').relations).toEqual({ right: 1, of: 1 })
    expect(of('a cat behind a box').relations).toEqual({ right: 0, of: 1 })
    expect(of('a blue star to the left of a red star').relations).toEqual({ right: 0, of: 1 })
    expect(of('a red star to the left of a blue star').relations).toEqual({ right: 1, of: 1 })
    expect(of('a cat inside a basket').relations).toEqual({ right: 0, of: 1 })
    expect(of('a cat inside').relations).toEqual({ right: 0, of: 1 })
  })

  it('holds a place against the centre, with some doubt near a line', () => {
    expect(of('a red star at the top left').relations.right).toBe(1)
    expect(of('a red star at the top').relations.right).toBe(0)
    const near = sceneOf([{ kind: 'dog', x: 78, y: 112 }])
    expect(judgeCaption('a dog on the left', near).faultless).toBe(true)
    expect(judgeCaption('a dog in the middle', near).faultless).toBe(true)
    expect(judgeCaption('a dog on the right', near).faultless).toBe(false)
  })
})

it('takes an answer without regard to capitals, white space and a final full stop', () => {
  expect(isAnswer(' A red  star. ', 'a red star')).toBe(true)
  expect(isAnswer('a red star', 'a star')).toBe(false)
  expect(isAnswer('', 'no')).toBe(false)
})
