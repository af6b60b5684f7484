import { describe, expect, it } from 'vitest'
import type { Note } from '../../messages/note.ts'
import { openWords } from '../../messages/words.ts'
import type { Language } from '../../messages/languages.ts'
import type { DeviceReport, ProcessorReason } from '../../pack/device-report.ts'
import { choicesOf, figuresOf, reasonNote, type Fact } from './device-facts.ts'

const DEVICE: DeviceReport = {
  provider: 'webgpu',
  adapter: 'llvmpipe',
  f16: false,
  software: true,
  reason: null,
  recordsSteps: true,
  ownKernels: 'software',
  kernelTimes: { own: 12.34, other: 9 },
  visionKernels: 'slower',
  visionTimes: { own: 56.78, other: 60 },
  subgroups: 'software',
  context: { positions: 512, possible: 2048, why: 'memory' },
  limits: { buffer: 2 ** 30, storageBinding: 2 ** 28, workgroupStorage: 32_768 },
  build: 'jspi',
  memory: { keepsAll: false, why: { kind: 'share', gib: 4, told: false } },
}

const decoded = {
  tokens: 16,
  tokensPerSecond: 20,
  ms: 50,
  hostMs: 0.4,
  dispatches: 51,
  submits: 1,
  bytesRead: 4,
}
const RESULT: Parameters<typeof figuresOf>[0] = {
  load: { files: 100, bytes: 7e6, bytesPerSecond: 80e6, sessions: {}, warmUp: 0, total: 900 },
  encode: { vision: 100, qFormer: 40 },
  firstToken: { cold: 400, warm: 200 },
  prefill: { positions: 40, ms: 60, positionsPerSecond: 667 },
  decode: { recorded: decoded, plain: { ...decoded, tokensPerSecond: 15 } },
  limit: { weightBytesPerToken: 1e6, tokensPerSecond: 200, reached: 0.1 },
}

async function wordsOf(language: Language, notes: readonly (Note | string)[]): Promise<string[]> {
  const { t } = await openWords(language)
  return notes.map((note) =>
    typeof note === 'string' ? note : t(note.key, { ...note.values, defaultValue: '' }),
  )
}

const said = (facts: readonly Fact[]): (Note | string)[] =>
  facts.flatMap(({ name, value }) => [{ key: name }, ...[value].flat()] as (Note | string)[])

describe('What is said of the device', () => {
  it('says all of a software renderer and of what was measured on it, in every language', async () => {
    const facts = said([...choicesOf(DEVICE), ...figuresOf(RESULT, 0.4)])
    for (const language of ['en', 'de', 'es', 'fr', 'ja', 'zh'] as const) {
      const words = await wordsOf(language, facts)
      expect([language, words.filter((text) => /\{\{|models:|device\.|undefined|NaN/.test(text))]).toEqual([
        language,
        [],
      ])
    }
    const [english, german] = [await wordsOf('en', facts), await wordsOf('de', facts)]
    expect(english).toContain('WebGPU, llvmpipe (a software adapter, slow but right)')
    expect(english).toContain(
      'The model needs more than a third of the 4 GiB of memory assumed where a browser does not tell.',
    )
    expect(english).toContain(
      'those of ONNX Runtime: our own were tried and are less than one and a half times as fast here',
    )
    expect(english.join(' ')).toMatch(
      /A picture took 57\s?ms on our own kernels, 60\s?ms on those of ONNX Runtime/,
    )
    // Looking, the prompt and twelve words.
    expect(english).toContain('0.8s measured for 12 tokens.')
    expect(german.join(' ')).toMatch(/0,8\sSek\. gemessen, für 12 Token\. 0,4\sSek\. sagte/)
  })

  it.each([
    [true, 'yes: the commands of a step are recorded once and replayed'],
    [false, 'no: recording did not work here, so every step is put together anew'],
    [
      null,
      'tried with the first answer: where that works, the commands of a step are recorded once and replayed',
    ],
  ])('says of recorded steps what is known (%s)', async (recordsSteps, text) => {
    expect(await wordsOf('en', said(choicesOf({ ...DEVICE, recordsSteps })))).toContain(text)
    for (const language of ['de', 'es', 'fr', 'ja', 'zh'] as const) {
      const words = await wordsOf(language, said(choicesOf({ ...DEVICE, recordsSteps })))
      expect(words.filter((one) => one === '' || one === text || one.includes('models:'))).toEqual([])
    }
  })

  it.each<[ProcessorReason, string]>([
    [{ why: 'chosen' }, 'WebAssembly was chosen.'],
    [{ why: 'not-started', detail: 'Lost.' }, 'WebGPU could not be started (Lost.).'],
    [
      { why: 'faster', processorSeconds: 0.3, gpuSeconds: 11, adapter: 'llvmpipe', software: true },
      'A step was measured on both: a caption takes about 0.3s on the processor and 11s on WebGPU (llvmpipe, which is software).',
    ],
  ])('says why the processor is used: %j', async (reason, text) => {
    expect(await wordsOf('en', [reasonNote(reason)])).toEqual([text])
  })
})
