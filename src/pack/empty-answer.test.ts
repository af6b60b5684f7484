import { expect, it } from 'vitest'
import { emptyAnswerText, type EmptyAnswer } from './empty-answer.ts'

it.each<[EmptyAnswer, string]>([
  [{ tokens: 0, finish: 'stopped' }, 'The answer was stopped before its first word.'],
  [{ tokens: 3, finish: 'stopped' }, 'The answer was stopped before its first word.'],
  [{ tokens: 1, finish: 'end' }, 'The model ended its answer before its first word.'],
  [{ tokens: 3, finish: 'end' }, 'The model wrote 3 tokens and no words.'],
  [{ tokens: 1, finish: 'limit' }, 'The model wrote 1 token and no words.'],
])('says why an answer of %j has no words', (answer, text) => {
  expect(emptyAnswerText(answer)).toBe(text)
})
