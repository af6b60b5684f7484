import { describe, expect, it } from 'vitest'
import { AppError, toFailure } from './failure.ts'
import { printable } from './printable.ts'

const ACTING = [
  ...['\u001b[2J', '\u001b]0;title\u0007', '\u009b31m', '\u0090q', '\r', '\n', '\b', '\u007f', '\u0000'],
  ...['\u202e', '\u202a', '\u2066', '\u2069', '\u2028', '\u2029', '\ufeff', '\u{e0041}', '\ud800', '\udc00'],
]

describe('printable', () => {
  it.each(ACTING)('writes out %j', (text) => {
    const shown = printable(`a${text}b`)
    expect(shown).toMatch(/^a\\u[0-9a-f]{4}[ -~]*b$/)
    // What was JSON stays the same JSON.
    expect(JSON.parse(printable(JSON.stringify({ [text]: text })))).toEqual({ [text]: text })
  })

  it('leaves alone what people write', () => {
    for (const text of ['blip2 – café', '日本語', 'שלום \u200f', 'مرحبا', '👩‍👩‍👧 🏳️‍🌈', 'C:\\new', ''])
      expect(printable(text)).toBe(text)
  })

  it('keeps of a sentence with an endless name where it begins and what to do', () => {
    const { message } = new AppError('bad-pack', `It is called ${'x'.repeat(1e6)}; do this.`)
    expect(message).toMatch(/^It is called x+ … x+; do this\.$/)
    expect(message.length).toBeLessThan(1100)
  })

  it('holds for every sentence about a failure', () => {
    for (const text of ACTING) {
      expect(new AppError('bad-pack', `It is called ${text}.`).message).toMatch(/^[ -~]*$/)
      expect(toFailure(new Error(text)).message).toMatch(/^[ -~]*$/)
      expect(toFailure(text).message).toMatch(/^[ -~]*$/)
    }
  })
})
