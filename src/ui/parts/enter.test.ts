import { describe, expect, it } from 'vitest'
import { isComposed, isEnterToSend } from './enter.ts'

const ENTER = { key: 'Enter', shiftKey: false, isComposing: false, keyCode: 13 }

describe('Enter', () => {
  it('sends a question', () => {
    expect(isEnterToSend(ENTER)).toBe(true)
  })

  it.each([
    ['begins a line with Shift', { ...ENTER, shiftKey: true }],
    ['confirms a word that is being composed', { ...ENTER, isComposing: true }],
    ['confirms a word in Safari, which says so only by its code', { ...ENTER, keyCode: 229 }],
    ['is another key', { ...ENTER, key: 'a' }],
  ])('does not send where it %s', (_, event) => {
    expect(isEnterToSend(event)).toBe(false)
  })
})

describe('A key', () => {
  it.each([
    ['of an input method at work', { isComposing: true, keyCode: 27 }, true],
    ['that Safari says by its code only', { isComposing: false, keyCode: 229 }, true],
    ['pressed by itself', { isComposing: false, keyCode: 27 }, false],
  ])('%s is composed or not', (_, event, composed) => {
    expect(isComposed(event)).toBe(composed)
  })
})
