import { expect, it } from 'vitest'
import { AppError } from '../pack/failure.ts'
import { sentenceOf } from './sentence.ts'

it('names the flag that keeps a question out', () => {
  const tooLong = (answerTokens: number): AppError =>
    new AppError('prompt-too-long', 'The question is too long; shorten it.', { details: { answerTokens } })
  expect(sentenceOf(tooLong(11), 'why?')).toBe(
    'pictalk: why?: The question is too long; shorten it, or give --max-new-tokens 11 or less. [prompt-too-long]',
  )
  expect(sentenceOf(tooLong(0))).toBe('pictalk: The question is too long; shorten it. [prompt-too-long]')
})
