import { describe, expect, it } from 'vitest'
import type { Failure } from '../pack/failure.ts'
import { endOfThread } from './ended-thread.ts'

describe('A thread that is no more', () => {
  it('is said not to have come where its script could not be fetched: the event has no words', () => {
    const { code, message } = endOfThread(new Event('error'), 'runs the model', 'load it again')
    expect(code).toBe('network')
    expect(message).toBe(
      'The part of this page that runs the model could not be fetched; load it again when you are online.',
    )
  })

  const stopped = (message: string): Failure =>
    endOfThread({ type: 'error', message }, 'runs the model', 'load it again')

  it.each([
    'Uncaught RangeError: Array buffer allocation failed',
    'Uncaught RangeError: WebAssembly.Memory(): could not allocate memory',
    'InternalError: allocation size overflow',
    'RangeError: Out of memory',
  ])('is said to have had too little memory where it says so itself: %j', (words) => {
    expect(stopped(words)).toEqual({
      code: 'out-of-memory',
      message: `The thread that runs the model stopped (${words}); load it again.`,
    })
  })

  it.each([
    ['Uncaught TypeError: x is not a function', 'Uncaught TypeError: x is not a function'],
    [
      'Uncaught RangeError: Maximum call stack size exceeded',
      'Uncaught RangeError: Maximum call stack size exceeded',
    ],
    ['', 'no reason given'],
  ])(
    'is said to have stopped, and not to have run out of memory, where nobody knows that: %j',
    (words, said) => {
      expect(stopped(words)).toEqual({
        code: 'unresponsive',
        message: `The thread that runs the model stopped (${said}); load it again.`,
      })
    },
  )
})
