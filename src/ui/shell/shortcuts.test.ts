import { describe, expect, it } from 'vitest'
import { actionOf, SHORTCUTS, type PressedKey } from './shortcuts.ts'

const press = (key: string, held: Partial<PressedKey> = {}): PressedKey => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
})

describe('A shortcut', () => {
  it('does what the list says, with Ctrl as with ⌘', () => {
    for (const { action, key, command, shift = false } of SHORTCUTS) {
      expect(actionOf(press(key, { ctrlKey: command, shiftKey: shift }), false)).toBe(action)
      if (command) expect(actionOf(press(key, { metaKey: true, shiftKey: shift }), false)).toBe(action)
    }
  })

  it('leaves letters and undo to the field that people write in', () => {
    expect(actionOf(press('?', { shiftKey: true }), true)).toBeNull()
    expect(actionOf(press('/'), true)).toBeNull()
    expect(actionOf(press('z', { ctrlKey: true }), true)).toBeNull()
    expect(actionOf(press('K', { ctrlKey: true }), true)).toBe('search')
  })

  it('is none with Alt, which belongs to the browser and to keyboards', () => {
    expect(actionOf(press('o', { ctrlKey: true, altKey: true }), false)).toBeNull()
    expect(actionOf(press('z', { ctrlKey: true, shiftKey: true }), false)).toBeNull()
  })
})
