import { expect, it } from 'vitest'
import { likenessText } from './score-text.ts'

it.each([
  ['en', '0.310'],
  ['de', '0,310'],
  ['fr', '0,310'],
  ['ja', '0.310'],
])('A likeness is written as numbers are in %s', (language, text) => {
  expect(likenessText(0.3096, language, 3)).toBe(text)
})
