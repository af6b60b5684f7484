/**
 * Answers of our own kernels on whatever Dawn finds, in all of transformers' generation cases: the ids and scores that
 * ONNX Runtime has on WebAssembly with the same pack. Both are given what WebAssembly saw in the pictures, and its logits
 * judge the kernels, so that no shader of ONNX Runtime has to be compiled, which takes a software driver minutes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asFamily, isPackOf, type PackReader, type Precision } from '../../src/pack/manifest.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import type { SeenImage } from '../../src/runtime/models/look.ts'
import type { TalkingModel } from '../../src/runtime/models/model.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import { opt } from '../../src/runtime/models/opt.ts'
import { Talk } from '../../src/runtime/models/talk.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { Runtime } from '../../src/runtime/ort/runtime.ts'
import { openTokenizer } from '../../src/runtime/talk/tokenizer.ts'
import { openOptDecoder, planOptDecoder, type OwnDecoder } from '../../src/runtime/wgsl/decoder/open-opt.ts'
import type { Together } from '../../src/runtime/wgsl/gpu/together.ts'
import {
  agreesInAllElse,
  givesLogits,
  judgedLogits,
  type JudgedLogits,
} from '../../src/runtime/wgsl/decoder/self-test.ts'
import { NotForKernels } from '../../src/runtime/wgsl/weights/stored.ts'
import { readFromDisk } from '../parity/files.ts'
import {
  answersIn,
  answersTogetherIn,
  generationCases,
  isRow,
  type GenerationCases,
  type GenerationComparison,
} from '../parity/generation.ts'
import {
  convertReference,
  OPT_CHECKPOINTS,
  pixelsOf,
  storedValues,
  type CheckpointName,
} from '../parity/reference.ts'
import { optOptions } from './part-files.ts'

/** A software driver takes its time. */
const HOUR_MS = 3_600_000

let processor: Compute
let card: Compute
beforeAll(async () => {
  processor = await openCompute('wasm')
  // However small: nothing of ONNX Runtime's is run with them here.
  card = await openCompute('webgpu', { subgroups: true })
})
afterAll(() => card.device?.destroy())

/** Of a width that is no multiple of a block, so that their matrices are not stored in blocks. */
const UNFIT = ['untied', 'long-sharded'] as const
const FIT = OPT_CHECKPOINTS.filter((name) => !UNFIT.some((one) => one === name))

/** What the model on the processor computes in the self-test. */
async function judged(pack: PackReader, { talk }: TalkingModel): Promise<JudgedLogits> {
  const { shape } = asFamily(pack.manifest, 'blip2-opt').parts.decoder
  const start = (embeddings: Parameters<typeof talk.start>[0]['embeddings']): ReturnType<typeof talk.start> =>
    talk.start({ embeddings })
  return judgedLogits(await Runtime.open(processor), { start }, shape)
}

/** The half that talks, over our kernels on the card, which must pass in every way in which they reduce there. */
async function talkOnCard(
  pack: PackReader,
  runtime: Runtime,
  expected: JudgedLogits,
): Promise<Pick<OwnDecoder, 'useKernels'> & { talk: Talk }> {
  if (card.device === null || !isPackOf(pack, 'blip2-opt'))
    throw new Error(card.reason?.why ?? 'Another family.')
  const { shape } = pack.manifest.parts.decoder
  const options = await optOptions(pack, card)
  const plan = planOptDecoder(card.device, options)
  const { language, useKernels } = await openOptDecoder(runtime, options, plan)
  const test = { shape, cacheType: options.cacheType, expected }
  for (const way of ways()) {
    await useKernels(way)
    expect(await givesLogits(runtime, language, test)).toBe(true)
    expect(await agreesInAllElse(runtime, language, test)).toBe(true)
  }
  const context = { positions: shape.positions, possible: shape.positions, why: 'model' } as const
  const tokenizer = await openTokenizer(pack)
  return { talk: new Talk({ language, form: opt.form(pack.manifest), tokenizer, context }), useKernels }
}

function ways(): Together[] {
  return card.device?.features.has('subgroups') === true ? ['memory', 'subgroups'] : ['memory']
}

const idsOf = (results: readonly GenerationComparison[]): number[][][] =>
  results.map(({ ours }) => ours.map(({ tokenIds }) => tokenIds))

/** So many cases are one test, which tells how far a long run has come, and where something differs. */
const CASES_EACH = 12

/** A checkpoint's cases, what ONNX Runtime answers, and ours to answer them. */
interface Compared {
  cases: GenerationCases
  expected: GenerationComparison[]
  talk: Talk
  useKernels: OwnDecoder['useKernels']
  own: Pick<TalkingModel, 'talk' | 'manifest'>
  seen: (imageKey: string) => Promise<SeenImage>
  /** ONNX Runtime, and what it sees. */
  graph: TalkingModel
  seenBefore: (imageKey: string) => Promise<SeenImage>
}

async function compared(name: (typeof FIT)[number], precision: Precision): Promise<Compared> {
  const pack = await convertReference(readFromDisk, name, precision)
  const cases = await generationCases(readFromDisk, name)
  const values = await storedValues(readFromDisk, `${name}/reference.safetensors`)
  const graph = await openTalkingModel(pack, processor)
  const embeddings = new Map<string, Float32Array>()
  const expected: GenerationComparison[] = []
  const seenBefore = async (key: string): Promise<SeenImage> => {
    const before = embeddings.get(key)
    if (before !== undefined) return graph.look.seenBefore(before)
    const seen = await graph.look.see(await pixelsOf(values, key, graph))
    embeddings.set(key, await seen.embeddings.read())
    return seen
  }
  // One by one: `answersIn` sorts by picture.
  for (const one of cases.cases) {
    const [answer] = await answersIn({ ...cases, cases: [one] }, graph, seenBefore)
    if (answer !== undefined) expected.push(answer)
  }
  const logits = await judged(pack, graph)
  const runtime = await Runtime.open(card)
  const { talk, useKernels } = await talkOnCard(pack, runtime, logits)
  const { queries, hiddenSize } = asFamily(pack.manifest, 'blip2-opt').parts.decoder.shape
  const seen = (key: string): Promise<SeenImage> => {
    const saw = embeddings.get(key) ?? new Float32Array()
    return Promise.resolve({ embeddings: runtime.resident('float32', saw, [1, queries, hiddenSize]) })
  }
  const own = { talk, manifest: pack.manifest }
  return { cases, expected, talk, useKernels, own, seen, graph, seenBefore }
}

/**
 * That beams were nearer to each other than float16 tells apart, so that others were kept: what ONNX Runtime says of each of our
 * answers, where nothing else may be said, is the score that ours have.
 */
async function expectAnotherBeam(
  { cases, graph, seenBefore }: Compared,
  { title, ours }: GenerationComparison,
  one: GenerationCases['cases'][number],
): Promise<void> {
  expect(one.settings['num_beams'], title).toBeGreaterThan(1)
  for (const { tokenIds, score } of ours) {
    const settings = { ...one.settings, num_return_sequences: 1 }
    const said = { ...cases, cases: [{ ...one, settings, beginning: [...tokenIds] }] }
    const [answer] = (await answersIn(said, graph, seenBefore))[0]?.ours ?? []
    expect(answer?.tokenIds, title).toEqual(tokenIds)
    expect(Math.abs(score / (answer?.score ?? NaN) - 1), title).toBeLessThan(BOUND.q4f16)
  }
}

/** Of scores: sums in another order, and caches in 16 bits where the device has them. */
const BOUND = { q8: 1e-5, q4: 1e-5, q4f16: 1e-3 }
/** So many of the cases of a test may have kept other beams in 16 bits. */
const MOST_OTHER_BEAMS = 1

const PRECISIONS = ['q8', 'q4', 'q4f16'] as const
const NOT_STORED_IN_BLOCKS: [Precision, readonly CheckpointName[]][] = [
  ...PRECISIONS.map((precision): [Precision, readonly CheckpointName[]] => [precision, UNFIT]),
  ['fp32', OPT_CHECKPOINTS],
  ['fp16', OPT_CHECKPOINTS],
]

it.each(
  NOT_STORED_IN_BLOCKS.flatMap(([precision, names]) => names.map((name) => [precision, name] as const)),
)('our kernels at %s are not for %s, and say so', async (precision, name) => {
  const pack = await convertReference(readFromDisk, name, precision)
  const runtime = await Runtime.open(card)
  await expect(talkOnCard(pack, runtime, [new Float32Array(), new Float32Array()])).rejects.toThrow(
    NotForKernels,
  )
})

const each = PRECISIONS.flatMap((precision) => FIT.map((name) => [precision, name] as const))
const parts = new Map(
  await Promise.all(
    FIT.map(async (name) => {
      const { cases } = await generationCases(readFromDisk, name)
      return [name, Array.from({ length: Math.ceil(cases.length / CASES_EACH) }, (_, i) => i)] as const
    }),
  ),
)

describe.each(each)('our kernels at %s answer %s as ONNX Runtime does', (precision, name) => {
  let of: Compared
  beforeAll(async () => {
    of = await compared(name, precision)
  }, HOUR_MS)
  afterAll(async () => {
    await of.talk.dispose()
    await of.graph.dispose()
    expect(liveTensorCount()).toBe(0)
  })

  it('in many cases, several of which are rows of one batch', () => {
    expect(of.expected.length).toBeGreaterThan(20)
    expect(of.cases.cases.filter(isRow).length).toBeGreaterThan(2)
  })

  it.each(parts.get(name) ?? [])(
    `in part %i of its cases, ${CASES_EACH} each, alone and together`,
    async (part) => {
      // By turns in every way that there is.
      await of.useKernels(ways()[part % ways().length] ?? 'memory')
      const at = part * CASES_EACH
      const cases = { ...of.cases, cases: of.cases.cases.slice(at, at + CASES_EACH) }
      const expected = of.expected.slice(at, at + CASES_EACH)
      const byTitle = new Map(expected.map((one) => [one.title, one]))
      const got = await answersIn(cases, of.own, of.seen)
      expect(got).toHaveLength(cases.cases.length)
      const [same, others] = parted(got, byTitle)
      expect(others.map(({ title }) => title)).toHaveLength(
        precision === 'q4f16' ? Math.min(others.length, MOST_OTHER_BEAMS) : 0,
      )
      const caseOf = new Map(got.map(({ title }) => title).map((title, i) => [title, sorted(cases.cases)[i]]))
      for (const other of others)
        await expectAnotherBeam(of, other, caseOf.get(other.title) ?? noCase(other.title))
      const together = await answersTogetherIn(cases, of.own, of.seen)
      expect(together).toHaveLength(cases.cases.filter(isRow).length)
      expect(idsOf(together)).toEqual(idsOf(together.map(({ title }) => byTitle.get(title) ?? noCase(title))))
      for (const { ours, title } of same)
        ours.forEach(({ score }, j) => {
          const off = score / (byTitle.get(title)?.ours[j]?.score ?? NaN) - 1
          expect(Math.abs(off), title).toBeLessThan(BOUND[precision])
        })
    },
    HOUR_MS,
  )
})

/** Those with the ids that are expected, and the others. */
function parted(
  got: readonly GenerationComparison[],
  expected: ReadonlyMap<string, GenerationComparison>,
): [GenerationComparison[], GenerationComparison[]] {
  const isSame = (one: GenerationComparison): boolean =>
    String(idsOf([one])) === String(idsOf([expected.get(one.title) ?? noCase(one.title)]))
  return [got.filter(isSame), got.filter((one) => !isSame(one))]
}

/** In the order in which `answersIn` answers them. */
function sorted(cases: GenerationCases['cases']): GenerationCases['cases'] {
  const keys = [...new Set(cases.map(({ imageKey }) => imageKey))]
  return keys.flatMap((key) => cases.filter(({ imageKey }) => imageKey === key))
}

function noCase(title: string): never {
  throw new Error(`Nothing is expected of ${title}.`)
}
