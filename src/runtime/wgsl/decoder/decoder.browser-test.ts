import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGpuProbe } from '../../../bench/gpu-probe.ts'
import { GREEDY, type DecodingSettings } from '../../../pack/decoding.ts'
import { asFamily, type PackReader } from '../../../pack/manifest.ts'
import type { Compute } from '../../device/compute.ts'
import { openCompute } from '../../device/open-compute.ts'
import type { LanguageModel } from '../../language/language-model.ts'
import type { SeenImage } from '../../models/look.ts'
import type { TalkingModel } from '../../models/model.ts'
import { openTalkingModel } from '../../models/models.ts'
import type { Judgement, Judgements } from '../../models/open-parts.ts'
import { liveTensorCount } from '../../ort/tensor.ts'
import type { Answer } from '../../talk/discussion.ts'
import { sharedDevice } from '../../../../testing/gpu/shared-device.ts'
import { smallPack } from '../../../../testing/small-model.ts'

const probe = startGpuProbe()
const { counts } = probe
let pack: PackReader
let compute: Compute
let own: TalkingModel
/** ONNX Runtime, on the processor: on a software adapter its shaders take longer to compile than all of this. */
let graph: TalkingModel
let kept: Judgement | undefined
/** Kernels of the vision encoder have tests of their own. */
const WITHOUT_VISION = { vision: 'lost' } as const
const judgements: Judgements = {
  recall: () => Promise.resolve(kept),
  keep: (_, judgement) => Promise.resolve(void (kept = judgement)),
}
const complaints: string[] = []
const hear = ({ error }: GPUUncapturedErrorEvent): void => void complaints.push(error.message)

beforeAll(async () => {
  pack = await smallPack({ positions: 160, precision: 'q4' })
  compute = await sharedDevice()
  compute.device?.addEventListener('uncapturederror', hear)
  graph = await openTalkingModel(pack, await openCompute('wasm'), { kernels: 'always' })
  own = await openTalkingModel(pack, compute, { kernels: 'always', without: WITHOUT_VISION, judgements })
  // Shaders are compiled here, on a software adapter by the processor.
}, 300_000)

afterAll(async () => {
  await own.dispose()
  await graph.dispose()
  compute.device?.removeEventListener('uncapturederror', hear)
  probe.stop()
  expect(liveTensorCount()).toBe(0)
  expect(complaints).toEqual([])
})

function seen({ look }: TalkingModel, phase: number): SeenImage {
  const { queries, hiddenSize } = asFamily(pack.manifest, 'blip2-opt').parts.decoder.shape
  return look.seenBefore(
    Float32Array.from({ length: queries * hiddenSize }, (_, i) => 5 * Math.sin(i * (1 + phase))),
  )
}

async function answers(
  model: TalkingModel,
  prompt: string,
  settings: Partial<DecodingSettings>,
  phase = 0,
): Promise<Answer[]> {
  const discussion = model.talk.discuss(seen(model, phase))
  let last: Answer[] = []
  try {
    for await (const soFar of discussion.answer(prompt, {
      settings: { ...GREEDY, maxNewTokens: 8, ...settings },
    }))
      last = soFar.answers
    return last
  } finally {
    discussion.dispose()
  }
}

it('passes the self-test against ONNX Runtime on the same device', () => {
  expect([own.talk.ownKernels, graph.talk.ownKernels]).toEqual(['used', 'no-gpu'])
  expect(kept?.verdict).toBe('right')
  expect(kept?.times.other).toBeGreaterThan(0)
})

describe('answers as ONNX Runtime does', () => {
  it.each<[string, Partial<DecodingSettings>]>([
    ['greedily', {}],
    ['with penalties', { repetitionPenalty: 1.5, minNewTokens: 6 }],
    ['with three beams', { beams: 3, answers: 2 }],
  ])('%s', async (_, settings) => {
    const [ours, expected] = [
      await answers(own, 'what is in the picture?', settings),
      await answers(graph, 'what is in the picture?', settings),
    ]
    expect(ours.map(({ tokenIds }) => tokenIds)).toEqual(expected.map(({ tokenIds }) => tokenIds))
    ours.forEach(({ score }, i) => expect(score).toBeCloseTo(expected[i]?.score ?? NaN, 3))
  })
})

it.each<[string, () => TalkingModel, Partial<DecodingSettings>]>([
  ['our kernels', () => own, {}],
  ['ONNX Runtime', () => graph, { repetitionPenalty: 1.5 }],
])('writes answers together as each alone, on %s', async (_, model, settings) => {
  const asked = ['', 'what is in the picture?', 'a cat', ''].map((prompt, phase) => ({
    phase,
    prompt,
    settings: { ...settings, maxNewTokens: 5 - phase },
  }))
  const alone: (number[] | undefined)[] = []
  for (const { phase, prompt, settings: each } of asked)
    alone.push((await answers(model(), prompt, each, phase))[0]?.tokenIds)
  const together = await Promise.all(
    asked.map(({ phase, prompt, settings: each }) =>
      model().talk.answerTogether(Promise.resolve(seen(model(), phase)), prompt, {
        settings: { ...GREEDY, ...each },
      }),
    ),
  )
  expect(together.map(({ tokenIds }) => tokenIds)).toEqual(alone)
  expect(new Set(alone.map((ids) => ids?.slice(0, 2).join(' '))).size).toBeGreaterThan(1)
})

it('gives way to ONNX Runtime where it computes anything else, and remembers that', async () => {
  const { vocabulary } = asFamily(pack.manifest, 'blip2-opt').parts.decoder.shape
  const other = (): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: vocabulary }, (_, i) => Math.cos(i))
  if (kept === undefined) throw new Error('There is no judgement.')
  kept = { ...kept, verdict: null, expected: [other(), other()] }
  const model = await openTalkingModel(pack, compute, {
    kernels: 'always',
    without: WITHOUT_VISION,
    judgements,
  })
  expect([model.talk.ownKernels, kept.verdict]).toEqual(['wrong', 'wrong'])
  expect((await answers(model, '', {}))[0]?.tokenIds.length).toBeGreaterThan(0)
  await model.dispose()
})

it('asks for a token in one pass and one submit, and reads 16 bytes back', async () => {
  const { layers } = asFamily(pack.manifest, 'blip2-opt').parts.decoder.shape
  const { queries, hiddenSize } = asFamily(pack.manifest, 'blip2-opt').parts.decoder.shape
  const sequence = own.talk.start(own.look.seenBefore(new Float32Array(queries * hiddenSize)))
  const steps = sequence.greedy?.([2, 5], 12)
  if (steps === undefined) throw new Error('This model does not choose by itself.')
  await steps.next()
  const before = { ...counts }
  let taken = 1
  for await (const { logProbability } of steps) {
    expect(logProbability).toBeLessThanOrEqual(0)
    taken += 1
  }
  expect(taken).toBe(12)
  const since = (name: keyof typeof before): number => counts[name] - before[name]
  // Some were sent ahead of the first token, and none twice.
  expect(since('submits')).toBeGreaterThan(6)
  expect(since('submits')).toBeLessThan(12)
  expect(since('passes')).toBe(since('submits'))
  expect(since('dispatches')).toBe((5 * layers + 3) * since('submits'))
  expect(since('bytesRead')).toBe(16 * since('submits'))
  sequence.dispose()
})

it('asks for the next token of three answers in one pass and one submit, and reads 16 bytes of each back', async () => {
  const { layers } = asFamily(pack.manifest, 'blip2-opt').parts.decoder.shape
  const at: (typeof counts)[] = []
  await Promise.all(
    [0, 1, 2].map((phase) =>
      own.talk.answerTogether(Promise.resolve(seen(own, phase)), '', {
        settings: { ...GREEDY, maxNewTokens: 6 },
        report: () => {
          if (phase === 0) at.push({ ...counts })
        },
      }),
    ),
  )
  // Behind the first lie the prompts of the others.
  const [before, ...later] = at.slice(1)
  expect(later).toHaveLength(4)
  later.forEach((now, i) => {
    const since = (name: keyof typeof counts): number => now[name] - (before?.[name] ?? NaN)
    expect([since('submits'), since('passes')]).toEqual([i + 1, i + 1])
    expect(since('dispatches')).toBe((9 * layers + 5) * (i + 1))
    expect(since('bytesRead')).toBe(3 * 16 * (i + 1))
  })
})

it('goes on rightly behind tokens that ran ahead, and between steps of another sequence', async () => {
  const { queries, hiddenSize } = asFamily(pack.manifest, 'blip2-opt').parts.decoder.shape
  const start = (phase: number): ReturnType<LanguageModel['start']> =>
    own.talk.start(
      own.look.seenBefore(
        Float32Array.from({ length: queries * hiddenSize }, (_, i) => 5 * Math.sin(i * (1 + phase))),
      ),
    )
  const alone = start(0)
  const all: number[] = []
  for await (const { token } of alone.greedy?.([2, 9], 10) ?? []) all.push(token)
  const [sequence, other] = [start(0), start(1)]
  const tokens: number[] = []
  for await (const { token } of sequence.greedy?.([2, 9], 10) ?? []) {
    tokens.push(token)
    await other.begin([2, tokens.length], 4)
    if (tokens.length === 6) break
  }
  expect(tokens).toEqual(all.slice(0, 6))
  // Left in the middle: the next prompt begins with what was said, and must not see what ran ahead.
  const { logits, ran } = await sequence.begin([2, 9, ...all.slice(0, 5), 4], 4)
  expect(ran).toBe(1)
  const again = start(0)
  const { logits: afresh } = await again.begin([2, 9, ...all.slice(0, 5), 4], 4)
  logits.forEach((value, i) => expect(value).toBeCloseTo(afresh[i] ?? NaN, 3))
  for (const one of [alone, again, sequence, other]) one.dispose()
})
