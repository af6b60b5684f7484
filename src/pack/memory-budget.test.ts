import { describe, expect, it } from 'vitest'
import { memoryOf, type DeviceMemory } from './device-memory.ts'
import type { MemoryChoice, MemoryReport } from './device-report.ts'
import { budgetFor, roomTrials, type ModelNeeds } from './memory-budget.ts'
import { cacheNeedsOf } from './model-needs.ts'

const GIB = 2 ** 30
const card: DeviceMemory = { gib: 8, told: true, software: false, bufferBytes: GIB }
const wasm: DeviceMemory = { ...card, bufferBytes: null }

/** Layers, heads and head size of the decoders, and what all parts weigh in q4f16, in bytes. */
const PUBLISHED = {
  'OPT-2.7B': { layers: 32, heads: 32, cacheHeadSize: 80, positions: 2048, weightBytes: 2.1e9 },
  'OPT-6.7B': { layers: 32, heads: 32, cacheHeadSize: 128, positions: 2048, weightBytes: 4.4e9 },
  'T5-XL': { layers: 24, heads: 32, cacheHeadSize: 64, positions: 512, weightBytes: 2.3e9 },
  'T5-XXL': { layers: 24, heads: 64, cacheHeadSize: 64, positions: 512, weightBytes: 7.0e9 },
} as const
type Name = keyof typeof PUBLISHED

function needs(name: Name, type: 'float16' | 'float32' = 'float16'): ModelNeeds {
  const { weightBytes, positions, ...shape } = PUBLISHED[name]
  return { weightBytes, workBytes: 0, cache: cacheNeedsOf(shape, type, positions) }
}

describe('how a device is shared between weights, conversations and several answers', () => {
  /** Device, model, whether what looks stays, positions of a conversation, and megabytes for all caches. */
  it.each<[number, Name, boolean, number, number]>([
    [4, 'OPT-2.7B', false, 256, 336],
    [8, 'OPT-2.7B', true, 2048, 2195],
    [16, 'OPT-2.7B', true, 2048, 6490],
    [Infinity, 'OPT-2.7B', true, 2048, Infinity],
    [4, 'OPT-6.7B', false, 256, 537],
    [8, 'OPT-6.7B', false, 256, 537],
    [16, 'OPT-6.7B', true, 2048, 4190],
    [Infinity, 'OPT-6.7B', true, 2048, Infinity],
    [4, 'T5-XL', false, 256, 201],
    [8, 'T5-XL', true, 512, 1995],
    [16, 'T5-XL', true, 512, 6290],
    [4, 'T5-XXL', false, 256, 403],
    [8, 'T5-XXL', false, 256, 403],
    [16, 'T5-XXL', false, 512, 1590],
    [Infinity, 'T5-XXL', true, 512, Infinity],
  ])('%s GiB, %s', (gib, name, keepsAll, positions, megabytes) => {
    const { look, talk } = budgetFor(needs(name), { ...card, gib }, 'auto')
    expect(look.keepsAll).toBe(keepsAll)
    expect(talk?.context.positions).toBe(positions)
    expect(Math.round((talk?.cacheBytes ?? NaN) / 1e6)).toBe(megabytes)
  })

  it('lets five beams of OPT-2.7B have a caption on 8 GiB, and not 2048 positions on 16', () => {
    const beams = (positions: number): number => 2 * 5 * positions * 32 * 2 * 32 * 80 * 2
    const cacheBytes = (gib: number): number =>
      budgetFor(needs('OPT-2.7B'), { ...card, gib }, 'auto').talk?.cacheBytes ?? 0
    expect(beams(100)).toBeLessThan(cacheBytes(4))
    expect(beams(512)).toBeLessThan(cacheBytes(8))
    expect(beams(2048)).toBeGreaterThan(cacheBytes(16))
  })
})

describe('how long a conversation may be', () => {
  it.each<[string, 'float16' | 'float32', Partial<DeviceMemory>, number, string]>([
    ['has the model’s maximum', 'float16', { gib: 32 }, 2048, 'model'],
    ['that in 8 GiB, too', 'float16', {}, 2048, 'model'],
    ['half of it in float32', 'float32', {}, 1024, 'memory'],
    ['what is assumed', 'float32', { told: false }, 1024, 'assumed-memory'],
    ['the least there is', 'float16', { gib: 2 }, 256, 'memory'],
    ['what one buffer holds', 'float16', { gib: 32, bufferBytes: 4 * 2 ** 20 }, 512, 'buffer'],
    ['what WebAssembly addresses', 'float32', { gib: 32, bufferBytes: null }, 512, 'wasm'],
  ])('%s', (_, type, changed, positions, why) => {
    const { talk } = budgetFor(needs('OPT-2.7B', type), { ...card, ...changed }, 'auto')
    expect(talk?.context).toEqual({ positions, possible: 2048, why })
  })

  it('leaves a small model its own maximum', () => {
    const cache = cacheNeedsOf({ layers: 2, heads: 2, cacheHeadSize: 8 }, 'float32', 64)
    const { talk } = budgetFor({ weightBytes: 1e6, workBytes: 0, cache }, { ...card, gib: 0.25 }, 'auto')
    expect(talk?.context).toEqual({ positions: 64, possible: 64, why: 'model' })
  })

  it('leaves room for values on their way, also where a device was asked for more', () => {
    const workBytes = 60e6
    const at = { ...needs('OPT-2.7B', 'float32'), workBytes }
    const without = needs('OPT-2.7B', 'float32')
    const bytes = (of: ModelNeeds): number => budgetFor(of, card, 'auto').talk?.cacheBytes ?? NaN
    expect(bytes(without) - bytes(at)).toBe(workBytes)
    const [trial, trialWithout] = [at, without].map((of) => roomTrials(of, card, 'auto')[0]?.bytes ?? NaN)
    expect((trial ?? NaN) - (trialWithout ?? NaN)).toBe(workBytes)
    // Caches get what they would without: what was asked for has room for both.
    const given = { ...card, givenBytes: trial ?? 0 }
    expect(budgetFor(at, given, 'auto').talk?.context.positions).toBe(2048)
  })

  it.each([
    ['that looks and talks', needs('OPT-2.7B')],
    ['that only looks', { ...needs('OPT-2.7B'), cache: null }],
  ])('may be too long for a model %s by what is on its way', (_, of) => {
    const { bytes } = budgetFor(of, card, 'auto')
    const least = of.cache === null ? 0 : 4 * 256 * of.cache.positionBytes
    const left = bytes - of.weightBytes - least
    expect(budgetFor({ ...of, workBytes: left }, card, 'auto').fits).toBe(true)
    expect(budgetFor({ ...of, workBytes: left + 1 }, card, 'auto').fits).toBe(false)
  })

  it('is no question for a model that only looks', () => {
    expect(budgetFor({ weightBytes: 1e9, workBytes: 0, cache: null }, card, 'auto').talk).toBeNull()
  })
})

describe('what a graphics device is asked for before a model is opened', () => {
  type Trials = [positions: number, megabytes: number][]
  const trialsOf = (name: Name, type: 'float16' | 'float32', changed: object, choice: MemoryChoice): Trials =>
    roomTrials(needs(name, type), { ...card, ...changed }, choice).map(({ positions, askedBytes }) => [
      positions,
      Math.round(askedBytes / 1e6),
    ])

  it.each<[string, Name, 'float16' | 'float32', Partial<DeviceMemory>, MemoryChoice, Trials]>([
    [
      'what float32 takes, of a card of which 8 GiB are told',
      'OPT-2.7B',
      'float32',
      {},
      'auto',
      [[2048, 6819]],
    ],
    ['the same where all is kept loaded', 'OPT-2.7B', 'float32', {}, 'keep', [[2048, 6819]]],
    ['nothing where the longest is given anyway', 'OPT-2.7B', 'float16', {}, 'auto', []],
    ['nothing above what is told', 'OPT-2.7B', 'float32', { gib: 4 }, 'auto', []],
    ['nothing where memory is unknown', 'OPT-2.7B', 'float32', { told: false }, 'auto', []],
    ['nothing where memory is to be spared', 'OPT-2.7B', 'float32', {}, 'spare', []],
    ['nothing of software', 'OPT-2.7B', 'float32', { software: true }, 'plenty', []],
    ['nothing of the processor', 'OPT-2.7B', 'float32', { bufferBytes: null }, 'plenty', []],
    ['nothing that no buffer holds', 'OPT-2.7B', 'float32', { bufferBytes: 10 * 2 ** 20 }, 'plenty', []],
    [
      'everything, where there is plenty',
      'OPT-6.7B',
      'float32',
      {},
      'plenty',
      [
        [2048, 12211],
        [1024, 8855],
        [512, 7178],
      ],
    ],
    [
      'the same, where memory is unknown',
      'OPT-2.7B',
      'float32',
      { told: false, gib: 4 },
      'plenty',
      [
        [2048, 6819],
        [1024, 4722],
        [512, 3674],
      ],
    ],
    ['the length of T5 itself', 'T5-XXL', 'float16', {}, 'plenty', [[512, 9379]]],
  ])('is %s', (_, name, type, changed, choice, expected) => {
    expect(trialsOf(name, type, changed, choice)).toEqual(expected)
  })

  it('is what the context then has, where the device gives it', () => {
    for (const name of ['OPT-2.7B', 'OPT-6.7B', 'T5-XXL'] as const)
      for (const { positions, bytes } of roomTrials(needs(name, 'float32'), card, 'plenty')) {
        const given = { ...card, givenBytes: bytes }
        expect(budgetFor(needs(name, 'float32'), given, 'auto').talk?.context.positions).toBe(positions)
      }
  })
})

describe('whether everything stays loaded', () => {
  it.each<[string, number, Partial<DeviceMemory>, MemoryChoice, boolean]>([
    ['the published model in 4 bits on a computer', 2.2 * GIB, {}, 'auto', true],
    ['the same on a small device', 2.2 * GIB, { gib: 4 }, 'auto', false],
    ['the published model in 16 bits', 7.5 * GIB, {}, 'auto', false],
    ['the built-in model on the smallest device', 5e6, { gib: 0.25 }, 'auto', true],
    ['exactly a third', GIB, { gib: 3 }, 'auto', true],
    ['a little more than a third', GIB + 1, { gib: 3 }, 'auto', false],
    ['a software renderer with little memory', 2.2 * GIB, { gib: 4, software: true }, 'auto', false],
    ['WebAssembly, whose heap never shrinks', 2.2 * GIB, { ...wasm, gib: 1 }, 'auto', true],
    ['what people chose, though it is tight', 2.2 * GIB, { gib: 1 }, 'keep', true],
    ['what people chose, though there is room', 1, {}, 'spare', false],
    ['what people chose on WebAssembly', 1, wasm, 'spare', false],
    ['what people say of their memory', 2.2 * GIB, { gib: 1 }, 'plenty', true],
  ])('follows %s', (_, weightBytes, changed, choice, keepsAll) => {
    const memory = { ...card, ...changed }
    expect(budgetFor({ weightBytes, workBytes: 0, cache: null }, memory, choice).look.keepsAll).toBe(keepsAll)
  })

  it('says of how much memory, and whether the browser told it', () => {
    const look = (memory: DeviceMemory): MemoryReport =>
      budgetFor({ weightBytes: 2.2 * GIB, workBytes: 0, cache: null }, memory, 'auto').look
    expect(look(card)).toEqual({ keepsAll: true, why: { kind: 'share', gib: 8, told: true } })
    expect(look({ ...card, gib: 4, told: false })).toEqual({
      keepsAll: false,
      why: { kind: 'share', gib: 4, told: false },
    })
  })
})

describe('what is known of memory', () => {
  const limits = { maxBufferSize: 2 * GIB, maxStorageBufferBindingSize: GIB }
  const phone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Mobile/15E148'
  const computer = 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0'

  it.each([
    ['what the browser tells', { deviceMemory: 2, userAgent: computer }, 2, true],
    ['that of a computer', { userAgent: computer }, 8, false],
    ['that of a telephone', { userAgent: phone }, 4, false],
    ['that of a computer where there is no browser', {}, 8, false],
  ])('is %s', (_, hints, gib, told) => {
    expect(memoryOf({ limits }, { software: false }, hints)).toEqual({
      gib,
      told,
      software: false,
      bufferBytes: GIB,
    })
    expect(memoryOf(null, { software: false }, hints).bufferBytes).toBeNull()
  })
})
