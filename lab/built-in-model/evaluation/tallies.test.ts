import { expect, it } from 'vitest'
import { judgeCaption } from '../../../src/scenes/judge.ts'
import { captionsOf } from '../../../src/scenes/language.ts'
import { conversationOf, QUESTION_TYPES } from '../../../src/scenes/questions.ts'
import { makeScene } from '../../../src/scenes/scene.ts'
import { addAnswer, addCaption, emptyEvaluation, percent } from './tallies.ts'

const SET = { scenes: 40, from: 0, combinations: 'trained', noise: false, wording: 'plain' } as const

it('counts each scene once, its objects and its questions one by one', () => {
  const evaluation = emptyEvaluation(SET)
  let [objects, turns] = [0, 0]
  for (let seed = 0; seed < SET.scenes; seed += 1) {
    const scene = makeScene(seed)
    addCaption(evaluation, judgeCaption(captionsOf(scene, 1)[0] ?? '', scene))
    const conversation = conversationOf(scene, 6, 0)
    for (const turn of conversation) addAnswer(evaluation, turn, turn.answer !== 'no')
    objects += scene.objects.length
    turns += conversation.length
  }
  const { captions, questions } = evaluation
  expect(captions.right).toEqual({ right: SET.scenes, of: SET.scenes })
  expect(captions.drawn).toEqual({ right: objects, of: objects })
  expect(questions.all.of).toBe(turns)
  const alone = QUESTION_TYPES.map((type) => questions.types[type].of)
  expect(alone.reduce((sum, count) => sum + count, questions.followUps.of)).toBe(turns)
  expect(questions.followUps.of).toBeGreaterThan(0)
  expect(questions.types.count).toMatchObject({ right: questions.types.count.of })
  expect(questions.types.presence.right).toBeLessThan(questions.types.presence.of)
})

it('writes shares with one digit', () => {
  expect(percent({ right: 467, of: 500 })).toBe('93.4 %')
  expect(percent({ right: 3, of: 3 })).toBe('100.0 %')
  expect(percent({ right: 0, of: 0 })).toBe('–')
})
