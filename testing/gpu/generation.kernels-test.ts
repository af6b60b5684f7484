/**
 * Answers of our own kernels on whatever Dawn finds, in all of transformers' generation cases: the ids and scores that
 * ONNX Runtime has on WebAssembly with the same pack. Both are given what WebAssembly saw in the pictures, and its logits
 * judge the kernels, so that no shader of ONNX Runtime has to be compiled, which takes a software driver minutes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asFamily, isPackOf, type PackReader, type Precision } from '../../src/pack/manifest.ts'
import { cacheType } from '../../src/pack/model-needs.ts'
import { targetFor } from '../../src/pack/targets.ts'
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
import { openOptDecoder, planOptDecoder } from '../../src/runtime/wgsl/decoder/open-opt.ts'
import { NotForKernels } from '../../src/runtime/wgsl/decoder/opt-weights.ts'
import {
  agreesInAllElse,
  givesLogits,
  judgedLogits,
  type JudgedLogits,
} from '../../src/runtime/wgsl/decoder/self-test.ts'
import { readFromDisk } from '../parity/files.ts'
import {
  answersIn,
  answersTogetherIn,
  generationCases,
  type GenerationComparison,
} from '../parity/generation.ts'
import { convertReference, OPT_CHECKPOINTS, pixelsOf, storedValues } from '../parity/reference.ts'

let processor: Compute
let card: Compute
beforeAll(async () => {
  processor = await openCompute('wasm')
  // Their self-test is of ONNX Runtime's attention.
  card = await openCompute('webgpu', { subgroups: false })
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

async function bytesOf(pack: PackReader, path: string | undefined): Promise<Uint8Array<ArrayBuffer>> {
  const file = await pack.file(path ?? '')
  return file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file
}

/** The half that talks, over our kernels on the card, which must pass. */
async function talkOnCard(pack: PackReader, runtime: Runtime, expected: JudgedLogits): Promise<Talk> {
  if (card.device === null || !isPackOf(pack, 'blip2-opt'))
    throw new Error(card.reason?.why ?? 'Another family.')
  const { decoder } = pack.manifest.parts
  const { shape, graphs, weights } = decoder
  const options = {
    graph: await bytesOf(pack, graphs[targetFor(card, graphs)]),
    weights: { path: weights, data: await bytesOf(pack, weights) },
    part: decoder,
    cacheType: cacheType(decoder, card),
    context: shape.positions,
  }
  const { language } = await openOptDecoder(runtime, options, planOptDecoder(card.device, options))
  const test = { shape, cacheType: options.cacheType, expected }
  expect(await givesLogits(runtime, language, test)).toBe(true)
  expect(await agreesInAllElse(runtime, language, test)).toBe(true)
  const context = { positions: shape.positions, possible: shape.positions, why: 'model' } as const
  return new Talk({ language, form: opt.form(pack.manifest), tokenizer: await openTokenizer(pack), context })
}

const idsOf = (results: readonly GenerationComparison[]): number[][][] =>
  results.map(({ ours }) => ours.map(({ tokenIds }) => tokenIds))

// All cases in 8 bits; a third of them, prime to the number of settings, where only weights are stored otherwise.
describe.each<[Precision, number]>([
  ['q8', 1],
  ['q4', 3],
  ['q4f16', 3],
])('our kernels at %s', (precision, each) => {
  it.each(UNFIT)('are not for %s, and say so', async (name) => {
    const pack = await convertReference(readFromDisk, name, precision)
    const runtime = await Runtime.open(card)
    await expect(talkOnCard(pack, runtime, [new Float32Array(), new Float32Array()])).rejects.toThrow(
      NotForKernels,
    )
  })

  it.each(FIT)('answer %s as ONNX Runtime does', async (name) => {
    const pack = await convertReference(readFromDisk, name, precision)
    const cases = await generationCases(readFromDisk, name, each)
    const values = await storedValues(readFromDisk, `${name}/reference.safetensors`)
    const graph = await openTalkingModel(pack, processor)
    const embeddings = new Map<string, Float32Array>()
    const expected = await answersIn(cases, graph, async (key) => {
      const seen = await graph.look.see(await pixelsOf(values, key, graph))
      embeddings.set(key, await seen.embeddings.read())
      return seen
    })
    const logits = await judged(pack, graph)
    await graph.dispose()
    const runtime = await Runtime.open(card)
    const talk = await talkOnCard(pack, runtime, logits)
    const { queries, hiddenSize } = asFamily(pack.manifest, 'blip2-opt').parts.decoder.shape
    const seen = (key: string): Promise<SeenImage> => {
      const saw = embeddings.get(key) ?? new Float32Array()
      return Promise.resolve({ embeddings: runtime.resident('float32', saw, [1, queries, hiddenSize]) })
    }
    const own = { talk, manifest: pack.manifest }
    const got = await answersIn(cases, own, seen)
    const together = await answersTogetherIn(cases, own, seen)
    await talk.dispose()
    expect(got.length).toBeGreaterThan(20)
    expect(idsOf(got)).toEqual(idsOf(expected))
    const alone = new Map(got.map(({ title, ours }) => [title, ours.map(({ tokenIds }) => tokenIds)]))
    expect(together.length).toBeGreaterThan(2)
    for (const { title, ours } of together)
      expect(
        ours.map(({ tokenIds }) => tokenIds),
        title,
      ).toEqual(alone.get(title))
    // Sums in another order, and caches in 16 bits where the device has them.
    const bound = precision === 'q4f16' ? 1e-3 : 1e-5
    got.forEach(({ ours, title }, i) =>
      ours.forEach(({ score }, j) => {
        const off = score / (expected[i]?.ours[j]?.score ?? NaN) - 1
        expect(Math.abs(off), title).toBeLessThan(bound)
      }),
    )
    expect(liveTensorCount()).toBe(0)
  })
})
