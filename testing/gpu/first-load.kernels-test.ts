/**
 * A load as it goes on a graphics card that nobody has seen, whatever Dawn finds: both parts tried against ONNX Runtime
 * there, in every way, the tuner with them, and remembered; the next load, which only looks whether weights came right;
 * and devices that go away while each way is on trial.
 */
import { readFile } from 'node:fs/promises'
import { expect, it, vi } from 'vitest'
import { KeptJudgements, type JudgedRow } from '../../src/engine/judged.ts'
import { ModelLoader, type LoadedParts } from '../../src/engine/model-loader.ts'
import { GREEDY, type DecodingSettings } from '../../src/pack/decoding.ts'
import { asFamily, type PackReader } from '../../src/pack/manifest.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import type { TalkingModel } from '../../src/runtime/models/model.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import type { Judgement, Risk } from '../../src/runtime/models/open-parts.ts'
import type { Answer } from '../../src/runtime/talk/discussion.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { tableInMemory, type Table } from '../../src/store/table.ts'
import { smallModel } from '../small-model.ts'
import { packInMemory } from '../parity/reference.ts'

/** A software driver takes its time. */
const HOUR_MS = 3_600_000

/** In float16 where the device has it; long enough for attention that is split. */
const pack = packInMemory(
  await smallModel(async (path) => new Uint8Array(await readFile(path)).buffer, {
    precision: 'q4f16',
    positions: 640,
  }),
)

/**
 * ONNX Runtime's attention is wrong with the subgroups of software adapters (docs/decisions/005-subgroups.md), and would be
 * the judge of ours: it is told of none.
 */
function subgroupsForOursAlone(device: GPUDevice): void {
  const all = device.features
  const others = new Set([...all].filter((feature) => feature !== 'subgroups'))
  Object.defineProperty(device, 'features', {
    get: () => (/onnxruntime-web/.test(new Error('Who asks?').stack ?? '') ? others : all),
  })
}

/** What a card is given up for, a software driver may need; no other timer here is as long. */
const CARDS_LIMIT_MS = 20_000
const setTimer = globalThis.setTimeout
vi.stubGlobal('setTimeout', (run: () => void, ms?: number) =>
  ms !== undefined && ms >= CARDS_LIMIT_MS ? 0 : setTimer(run, ms),
)

/** A browser on a card: what it keeps between visits, and when its device goes away. */
class Visitor {
  readonly rows = new Map<string, JudgedRow>()
  /** What of the decoder was on trial, in the order in which that was written down. */
  readonly atRisk: Risk[] = []
  /** Once this is on trial, the device goes away behind so many submits. */
  loses: { by: Risk; submits: number } | null = null
  devices = 0
  #left = Infinity

  get decoder(): Omit<Judgement, 'expected'> | undefined {
    return [...this.rows].flatMap(([key, row]) =>
      key.startsWith('decoder ') && 'found' in row ? [row.found] : [],
    )[0]
  }

  load(): Promise<LoadedParts> {
    const table: Table<JudgedRow> = tableInMemory(this.rows)
    const loader = new ModelLoader({
      openPack: () => Promise.resolve(pack),
      openCompute: () => this.#open(),
      judgements: new KeptJudgements({
        ...table,
        setAll: async (changes) => {
          await table.setAll(changes)
          this.#note()
        },
      }),
    })
    return loader.load(
      // Whatever is faster here.
      { pack: { kind: 'web', url: '' }, prefer: 'webgpu', memory: 'keep', kernels: 'always', warmUp: false },
      { report: () => undefined, signal: new AbortController().signal },
    )
  }

  async #open(): Promise<Compute> {
    const compute = await openCompute('webgpu', { subgroups: true })
    const { device } = compute
    if (device === null) throw new Error(compute.reason?.why ?? 'There is no GPU.')
    this.devices += 1
    subgroupsForOursAlone(device)
    const { queue } = device
    const submit = queue.submit.bind(queue)
    queue.submit = (buffers) => {
      this.#left -= 1
      if (this.#left === 0) device.destroy()
      submit(buffers)
    }
    return { ...compute, software: false }
  }

  #note(): void {
    const unfinished = this.decoder?.unfinished
    const by = (['memory', 'subgroups', 'tunings'] as const).find((risk) => (unfinished?.[risk] ?? 0) > 0)
    if (by !== undefined) this.atRisk.push(by)
    if (by === undefined || by !== this.loses?.by) return
    this.#left = this.loses.submits
    this.loses = null
  }
}

async function answersOf(model: TalkingModel): Promise<Answer['tokenIds'][]> {
  const { queries, hiddenSize } = asFamily((pack as PackReader<'blip2-opt'>).manifest, 'blip2-opt').parts
    .decoder.shape
  const embeddings = Float32Array.from({ length: queries * hiddenSize }, (_, i) => 5 * Math.sin(i))
  const discussion = model.talk.discuss(model.look.seenBefore(embeddings))
  const settings: Partial<DecodingSettings>[] = [
    {},
    { beams: 5, answers: 2 },
    { repetitionPenalty: 1.5 },
    { sampling: { temperature: 1, topK: 20, topP: 1, seed: 7 } },
  ]
  const ids: Answer['tokenIds'][] = []
  try {
    for (const one of settings)
      for (const prompt of ['', 'what is in the picture?', 'a red circle and a blue square '.repeat(70)]) {
        let last: Answer[] = []
        for await (const { answers } of discussion.answer(prompt, {
          settings: { ...GREEDY, maxNewTokens: 6, ...one },
        }))
          last = answers
        ids.push(...last.map(({ tokenIds }) => tokenIds))
      }
    return ids
  } finally {
    discussion.dispose()
  }
}

const NONE: Judgement['unfinished'] = { memory: 0, subgroups: 0, tunings: 0 }

/** What is found out on a device that has or lacks subgroups, which `openCompute` is asked for here. */
function waysOn({ compute }: LoadedParts): Risk[] {
  const subgroups = compute.device?.features.has('subgroups') === true
  return subgroups ? ['memory', 'subgroups', 'tunings'] : ['memory', 'tunings']
}

async function end({ model, compute }: LoadedParts): Promise<void> {
  await model.dispose()
  compute.device?.destroy()
  expect(liveTensorCount()).toBe(0)
}

const kernelsOf = ({ model: { look, talk } }: LoadedParts): string[] => [
  look.kernels.ownKernels,
  talk.ownKernels,
]

it(
  'tries every way at a first load and none at a second, and answers as ONNX Runtime does',
  async () => {
    const visitor = new Visitor()
    const first = await visitor.load()
    expect(kernelsOf(first)).toEqual(['used', 'used'])
    expect([...new Set(visitor.atRisk)]).toEqual(waysOn(first))
    const found = visitor.decoder
    expect(found).toMatchObject({ verdict: 'right', unfinished: NONE, failures: 0 })
    expect(found?.tunings).not.toBeNull()
    if (waysOn(first).includes('subgroups')) expect(typeof found?.subgroups).toBe('boolean')
    for (const times of [first.model.talk.kernelTimes, first.model.look.kernels.times])
      for (const ms of [times?.own, times?.other]) expect(ms).toBeGreaterThan(0)
    const processor = await openTalkingModel(pack, await openCompute('wasm'))
    const expected = await answersOf(processor)
    await processor.dispose()
    expect(await answersOf(first.model)).toEqual(expected)
    await end(first)

    visitor.atRisk.length = 0
    const second = await visitor.load()
    expect(kernelsOf(second)).toEqual(['used', 'used'])
    // One way, in which the weights are looked at once.
    expect(visitor.atRisk).toHaveLength(1)
    expect(visitor.decoder).toEqual(found)
    expect(await answersOf(second.model)).toEqual(expected)
    await end(second)
    expect(visitor.devices).toBe(2)
  },
  HOUR_MS,
)

it.each<Risk>(['memory', 'subgroups', 'tunings'])(
  'goes on with ONNX Runtime on another device where one goes away while %s is on trial, and in the plain way at the next load',
  async (by) => {
    const visitor = new Visitor()
    visitor.loses = { by, submits: 3 }
    const first = await visitor.load()
    if (!waysOn(first).includes(by)) {
      await end(first)
      return
    }
    expect(kernelsOf(first)).toEqual(['used', 'lost'])
    expect(visitor.devices).toBe(2)
    expect(visitor.decoder).toMatchObject({ unfinished: { memory: 1 }, subgroups: false, tunings: 'usual' })
    await end(first)
    const second = await visitor.load()
    expect(kernelsOf(second)).toEqual(['used', 'used'])
    expect(visitor.decoder).toMatchObject({
      ...{ verdict: 'right', unfinished: NONE, failures: 0 },
      ...{ subgroups: false, tunings: 'usual' },
    })
    await end(second)
  },
  HOUR_MS,
)
