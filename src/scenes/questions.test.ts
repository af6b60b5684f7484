import { describe, expect, it } from 'vitest'
import { COLOUR_NAMES, KINDS, pluralOf, type Kind } from './kinds.ts'
import { listOf, NUMBERS } from './language.ts'
import { conversationOf, QUESTION_TYPES, type QuestionAnswer } from './questions.ts'
import { isAt, placeOf } from './relations.ts'
import { makeScene, type Scene } from './scene.ts'

const SCENES = Array.from({ length: 300 }, (_, seed) => makeScene(seed))
const TURNS = SCENES.flatMap((scene) =>
  [0, 1, 2].flatMap((i) =>
    conversationOf(scene, 8, i).map((turn, at, all) => ({ scene, turn, before: all[at - 1] })),
  ),
)

function asked(pattern: RegExp): { scene: Scene; turn: QuestionAnswer; words: string[] }[] {
  return TURNS.flatMap(({ scene, turn }) => {
    const match = pattern.exec(turn.question.toLowerCase())
    return match === null ? [] : [{ scene, turn, words: match.slice(1) }]
  })
}

function kindOf(word: string): Kind | undefined {
  return KINDS.find((kind) => word === kind || word === pluralOf(kind))
}

describe('conversations', () => {
  it('are the same for the same scene and number, and differ between numbers', () => {
    const scene = makeScene(5)
    expect(conversationOf(scene, 8, 0)).toEqual(conversationOf(scene, 8, 0))
    expect(conversationOf(scene, 8, 0)).not.toEqual(conversationOf(scene, 8, 1))
  })

  it('have every type of question, alone and leaning on the turn before', () => {
    expect(new Set(TURNS.map(({ turn }) => turn.type))).toEqual(new Set(QUESTION_TYPES))
    const leaning = TURNS.filter(({ turn }) => turn.followUp)
    expect(leaning.length / TURNS.length).toBeGreaterThan(0.2)
    expect(leaning.every(({ before }) => before !== undefined)).toBe(true)
  })

  it('ask nothing twice', () => {
    for (const scene of SCENES) {
      const questions = conversationOf(scene, 8, 0).map(({ question }) => question)
      expect(new Set(questions).size).toBe(questions.length)
    }
  })

  it('ask the same in other words, and are answered alike', () => {
    const said = (turns: QuestionAnswer[]): string[] => turns.map(({ question }) => question.toLowerCase())
    const answers = (turns: QuestionAnswer[]): object[] =>
      turns.map(({ type, answer, followUp }) => ({ type, answer, followUp }))
    for (const wording of ['varied', 'unseen'] as const) {
      let [same, all] = [0, 0]
      for (const scene of SCENES.slice(0, 100)) {
        const [plain, other] = [conversationOf(scene, 8, 0), conversationOf(scene, 8, 0, { wording })]
        expect(answers(other)).toEqual(answers(plain))
        expect(conversationOf(scene, 8, 0, { wording })).toEqual(other)
        same += said(other).filter((question) => said(plain).includes(question)).length
        all += other.length
      }
      expect(same / all).toBeLessThan(wording === 'varied' ? 0.5 : 0.01)
    }
  })

  it('say yes about as often as no', () => {
    for (const type of ['presence', 'yes-no'] as const) {
      const answers = TURNS.filter(({ turn }) => turn.type === type).map(({ turn }) => turn.answer)
      expect(new Set(answers)).toEqual(new Set(['yes', 'no']))
      expect(answers.filter((answer) => answer === 'yes').length / answers.length).toBeCloseTo(0.5, 0)
    }
  })
})

describe('answers', () => {
  it('to "is there a …?" are what was drawn', () => {
    const turns = asked(/(?:is there|do you see|can you see) an? ([a-z ]+?)(?: in the picture)?\??$/)
    expect(turns.length).toBeGreaterThan(100)
    for (const { scene, turn, words } of turns) {
      const said = scene.objects.some(({ kind, colour }) =>
        [kind, `${colour ?? ''} ${kind}`].includes(words[0] ?? ''),
      )
      expect(turn.answer, turn.question).toBe(said ? 'yes' : 'no')
    }
  })

  it('to "how many …?" are how many were drawn', () => {
    const turns = asked(/how many ([a-z]+) (?:are|can)/)
    expect(turns.length).toBeGreaterThan(100)
    for (const { scene, turn, words } of turns) {
      const [word = ''] = words
      const kind = kindOf(word)
      if (kind === undefined && word !== 'things' && word !== 'objects') continue
      if (/ are (?:red|orange|yellow|green|blue|purple|black|white)/.test(turn.question)) continue
      const count = scene.objects.filter((object) => kind === undefined || object.kind === kind).length
      expect(turn.answer, turn.question).toBe(count === 0 ? 'none' : NUMBERS[count])
    }
  })

  it('to "what colour is the …?" are its colour, and it is the only one of its kind', () => {
    const turns = asked(/colou?r is the ([a-z]+)/)
    expect(turns.length).toBeGreaterThan(100)
    for (const { scene, turn, words } of turns) {
      const those = scene.objects.filter(({ kind }) => kind === words[0])
      expect(those.map(({ colour }) => colour)).toEqual([turn.answer])
      expect(COLOUR_NAMES).toContain(turn.answer)
    }
  })

  it('to "where is the …?" are a place without doubt, or what it is inside of or behind', () => {
    const turns = asked(/where(?: is|'s) the ([a-z]+)\??$/)
    expect(turns.length).toBeGreaterThan(50)
    for (const { scene, turn, words } of turns) {
      const [object] = scene.objects.filter(({ kind }) => kind === words[0])
      if (object === undefined) throw new Error(turn.question)
      const other = scene.objects[object.inside ?? object.behind ?? -1]
      if (other === undefined) expect(turn.answer).toBe(placeOf(object))
      else expect(turn.answer).toMatch(new RegExp(`^(inside|behind) the .*${other.kind}$`))
    }
  })

  it('to "what is to the left of the …?" are all that is there, and nothing near the line', () => {
    const turns = asked(/what is to the left of the ([a-z]+)\??$/)
    expect(turns.length).toBeGreaterThan(10)
    for (const { scene, turn, words } of turns) {
      const [of] = scene.objects.filter(({ kind }) => kind === words[0])
      if (of === undefined) throw new Error(turn.question)
      const others = scene.objects.filter((object) => object !== of)
      expect(others.map((object) => isAt(object, 'left', of))).not.toContain(null)
      expect(turn.answer).toBe(listOf(others.filter((object) => isAt(object, 'left', of))))
    }
  })

  it('to "it" are about what the turn before was about', () => {
    const turns = TURNS.filter(({ turn }) => /colour is it/i.test(turn.question))
    expect(turns.length).toBeGreaterThan(10)
    for (const { scene, turn, before } of turns) {
      const text = `${before?.question ?? ''} ${before?.answer ?? ''}`.toLowerCase()
      const those = scene.objects.filter(({ kind, colour }) => colour === turn.answer && text.includes(kind))
      // Behind a turn such as "where is it?" the thing itself was named one turn earlier.
      if (!before?.followUp && scene.objects.length > 1)
        expect(those.length, `${text} ${turn.question}`).toBeGreaterThan(0)
    }
  })
})
