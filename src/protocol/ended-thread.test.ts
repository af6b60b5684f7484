import { describe, expect, it } from 'vitest'
import { endOfThread } from './ended-thread.ts'

describe('A thread that is no more', () => {
  it('is said not to have come where its script could not be fetched: the event has no words', () => {
    const { code, message } = endOfThread(new Event('error'), 'runs the model', 'load it again')
    expect(code).toBe('network')
    expect(message).toBe(
      'The part of this page that runs the model could not be fetched; load it again when you are online.',
    )
  })

  it.each([
    ['RangeError: Array buffer allocation failed', 'RangeError: Array buffer allocation failed'],
    ['', 'no reason given'],
  ])('is said to have stopped where it had begun: %j', (words, said) => {
    const { code, message } = endOfThread(
      { type: 'error', message: words },
      'runs the model',
      'load it again',
    )
    expect(code).toBe('out-of-memory')
    expect(message).toBe(`The thread that runs the model stopped (${said}); load it again.`)
  })
})
