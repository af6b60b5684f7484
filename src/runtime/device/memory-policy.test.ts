import { describe, expect, it } from 'vitest'
import { decideMemory, type MemoryFacts } from './memory-policy.ts'

const GIB = 2 ** 30
const facts: MemoryFacts = {
  choice: 'auto',
  weightBytes: 2.2 * GIB,
  deviceMemory: 8,
  provider: 'webgpu',
  software: false,
}

describe('whether everything stays loaded', () => {
  it.each<[string, Partial<MemoryFacts>, boolean]>([
    ['the published model in 4 bits on a computer', {}, true],
    ['the same on a small device', { deviceMemory: 4 }, false],
    ['the same where the browser does not tell', { deviceMemory: undefined }, false],
    ['the published model in 16 bits', { weightBytes: 7.5 * GIB }, false],
    ['the built-in model on the smallest device', { weightBytes: 5e6, deviceMemory: 0.25 }, true],
    ['exactly a third', { weightBytes: GIB, deviceMemory: 3 }, true],
    ['a little more than a third', { weightBytes: GIB + 1, deviceMemory: 3 }, false],
    ['a software renderer with little memory', { software: true, deviceMemory: 4 }, false],
    ['WebAssembly, whose heap never shrinks', { provider: 'wasm', deviceMemory: 1 }, true],
    ['what people chose, though it is tight', { choice: 'keep', deviceMemory: 1 }, true],
    ['what people chose, though there is room', { choice: 'spare', weightBytes: 1 }, false],
    ['what people chose on WebAssembly', { choice: 'spare', provider: 'wasm' }, false],
  ])('follows %s', (_, changed, keepsAll) => {
    expect(decideMemory({ ...facts, ...changed }).keepsAll).toBe(keepsAll)
  })

  it('is told in a sentence', () => {
    expect(decideMemory(facts).why).toBe(
      'The model needs no more than a third of the 8 GiB of memory that the browser tells of.',
    )
    expect(decideMemory({ ...facts, deviceMemory: undefined }).why).toBe(
      'The model needs more than a third of the 4 GiB of memory assumed where a browser does not tell.',
    )
  })
})
