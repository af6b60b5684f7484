import { expect, it } from 'vitest'
import { conversationOf } from './questions.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from './scene.ts'
import { strangeWords } from './strange-words.ts'
import { WORDINGS } from './wordings.ts'

/** Nothing of the sort can be asked of a scene. */
const BEYOND = [
  'Why?',
  'Why is the cat red?',
  'Who painted this?',
  'When was this taken?',
  'How old is the dog?',
  'What is the weather like?',
  'Is he happy?',
  'What is the man wearing?',
  'What time is it?',
  'Which country is this?',
  'What does the sign say?',
  'Write a poem about this picture',
  'Is the owl asleep?',
  'How much does the car cost?',
  'What will happen next?',
  'Was ist das?',
  'これは何ですか',
  'What is 2 + 2?',
  'Is it 0 or 1?',
]

it.each(WORDINGS)('knows every question about a scene in %s words', (wording) => {
  const strange = new Set<string>()
  for (let seed = 0; seed < 200; seed += 1)
    for (const { question } of conversationOf(makeScene(FIRST_HELD_OUT_SEED + seed), 6, seed, { wording }))
      for (const word of strangeWords(question)) strange.add(`${word}: ${question}`)
  expect([...strange]).toEqual([])
})

it.each(BEYOND)('finds %j strange', (question) => {
  expect(strangeWords(question)).not.toEqual([])
})

it('names each strange word once, in small letters', () => {
  expect(strangeWords('WHY, why is the owl sad?')).toEqual(['why', 'sad'])
})
