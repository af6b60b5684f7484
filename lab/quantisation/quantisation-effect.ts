/**
 * What each choice of quantisation does to the built-in model's answers:
 *   npx tsx lab/quantisation/quantisation-effect.ts [--checkpoint models/drawn-scenes/checkpoint] [--scenes 200] [--only <words>]
 * A choice stores each matrix in some way. The checkpoint's weights are stored so and read back, and the model is run
 * with them in float32 on held-out scenes, beside the model as it was. Prints a table: bytes of all matrices, root mean
 * square error of each stage, divergence of the next word's probabilities along the caption of the unchanged model,
 * captions that stayed as they were, and captions that name exactly what was drawn.
 */
import { asFamily } from '../../src/pack/manifest.ts'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { folderTree } from '../../src/cli/files.ts'
import { readBlip2Opt } from '../../src/convert/families/blip2-opt.ts'
import { parseConfig } from '../../src/convert/families/config-json.ts'
import { readModel } from '../../src/convert/families/families.ts'
import { openCheckpoint, type Checkpoint } from '../../src/convert/checkpoint.ts'
import { convertCheckpoint } from '../../src/convert/convert.ts'
import { f32ToF16 } from '../../src/convert/dtypes.ts'
import { planConversion } from '../../src/convert/plan.ts'
import { dequantiseBlocks, quantiseBlocks } from '../../src/convert/quantise.ts'
import type { Pixels } from '../../src/image/pixels.ts'
import { sinkInMemory, type FileTree } from '../../src/pack/bytes.ts'
import { f16ToF32 } from '../../src/pack/float16.ts'
import { packInMemory } from '../../testing/parity/reference.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import type { TalkingModel } from '../../src/runtime/models/model.ts'
import { tracedFloats, traceStages } from '../../src/runtime/models/trace.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { judgeCaption } from '../../src/scenes/judge.ts'
import { FIRST_HELD_OUT_SEED, makeScene, type Scene } from '../../src/scenes/scene.ts'
import { captionOf, pixelsOf } from '../built-in-model/captions.ts'
import { plainRounding } from './plain-rounding.ts'

const { values } = parseArgs({
  options: {
    checkpoint: { type: 'string', default: 'models/drawn-scenes/checkpoint' },
    scenes: { type: 'string', default: '200' },
    from: { type: 'string', default: String(FIRST_HELD_OUT_SEED) },
    only: { type: 'string', default: '' },
  },
})

/** How a matrix is stored: `q4` and `q8` as the converter does it, with float16 scales. */
type Storage = 'f32' | 'f16' | 'q8' | 'q4' | 'q4 to ±7' | 'q4 to -8'

/** Bytes per weight, scales included. */
const BYTES: Record<Storage, number> = {
  f32: 4,
  f16: 2,
  q8: 1 + 2 / 32,
  q4: 0.5 + 2 / 32,
  'q4 to ±7': 0.5 + 2 / 32,
  'q4 to -8': 0.5 + 2 / 32,
}

function stored(
  weights: Float32Array<ArrayBuffer>,
  columns: number,
  storage: Storage,
): Float32Array<ArrayBuffer> {
  const rows = weights.length / columns
  const blocks = (bits: 4 | 8): Float32Array<ArrayBuffer> =>
    dequantiseBlocks(quantiseBlocks(weights, rows, columns, bits, 'float16'), rows, columns, bits)
  switch (storage) {
    case 'f32':
      return weights
    case 'f16':
      return f16ToF32(f32ToF16(weights).values)
    case 'q8':
      return blocks(8)
    case 'q4':
      return blocks(4)
    case 'q4 to ±7':
      return plainRounding(weights, 'seven')
    case 'q4 to -8':
      return plainRounding(weights, 'minus-eight')
  }
}

const tree = folderTree(values.checkpoint)
const configText = await readFile(join(values.checkpoint, 'config.json'), 'utf8')
const config = readBlip2Opt(parseConfig(configText))
const plannedModel = readModel(parseConfig(configText))
const checkpoint: Checkpoint = await openCheckpoint(tree)

/** The matrices that a conversion may quantise, with the columns of each. */
const MATRICES = new Map(
  planConversion(plannedModel, 'q8').weights.flatMap(({ recipes }) =>
    recipes.flatMap((recipe) =>
      recipe.kind === 'quantise' ? recipe.sources.map(({ tensor }) => [tensor, recipe.columns] as const) : [],
    ),
  ),
)

const vision = 'vision_model.encoder.layers'
const text = 'language_model.model.decoder.layers'

/** The first two blocks, one in the middle and the last. */
function blocks(part: string, prefix: string, count: number): Record<string, RegExp> {
  const chosen = new Set([0, 1, Math.floor(count / 2), count - 1])
  return Object.fromEntries(
    [...chosen].map((i) => [`${part}, block ${i + 1} of ${count}`, new RegExp(`^${prefix}.${i}.`)]),
  )
}

const GROUPS: Record<string, RegExp> = {
  ...blocks('vision', vision, config.vision.layers),
  'vision, qkv': /^vision_model.*\.qkv\./,
  'vision, projection': /^vision_model.*\.projection\./,
  'vision, fc1': /^vision_model.*\.fc1\./,
  'vision, fc2': /^vision_model.*\.fc2\./,
  'whole vision encoder': /^vision_model/,
  'Q-Former': /^qformer/,
  'language projection': /^language_projection/,
  ...blocks('OPT', text, config.text.layers),
  'OPT, qkv': /^language_model.*\.[qkv]_proj\./,
  'OPT, out_proj': /^language_model.*\.out_proj\./,
  'OPT, fc1': /^language_model.*\.fc1\./,
  'OPT, fc2': /^language_model.*\.fc2\./,
  'whole OPT, embedding aside': new RegExp(`^${text}.`),
  'embedding and head': /embed_tokens|lm_head/,
}

type Choice = (tensor: string) => Storage

/** The checkpoint with its matrices stored by a choice and read back; everything else as it is. */
async function rewritten(choice: Choice): Promise<FileTree> {
  const entries: [string, object][] = []
  const parts: Float32Array[] = []
  let end = 0
  for (const [tensor, { shape }] of checkpoint.tensors) {
    const count = shape.reduce((product, size) => product * size, 1)
    const weights = await checkpoint.readElements(tensor, 0, count)
    const columns = MATRICES.get(tensor)
    parts.push(columns === undefined ? weights : stored(weights, columns, choice(tensor)))
    entries.push([tensor, { dtype: 'F32', shape, data_offsets: [end, end + 4 * count] }])
    end += 4 * count
  }
  const json = JSON.stringify(Object.fromEntries(entries))
  const header = new TextEncoder().encode(json.padEnd(8 * Math.ceil(json.length / 8)))
  const file = new Uint8Array(8 + header.length + end)
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true)
  file.set(header, 8)
  let at = 8 + header.length
  for (const part of parts) {
    file.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at)
    at += part.byteLength
  }
  return { open: (path) => (path === 'model.safetensors' ? Promise.resolve(file.buffer) : tree.open(path)) }
}

async function load(choice: Choice): Promise<TalkingModel> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(await rewritten(choice), sinkInMemory(files), { precision: 'fp32', name: 'effect' })
  return openTalkingModel(packInMemory(files), await openCompute('wasm'))
}

/** What a model makes of a scene. Logits are those behind `ids`, [1 + ids, vocabulary]. */
interface Seen {
  features: Float32Array
  queryOutput: Float32Array
  logits: Float32Array
}

async function look(model: TalkingModel, pixels: Pixels, ids: readonly number[]): Promise<Seen> {
  const { bosId, vocabulary } = asFamily(model.manifest, 'blip2-opt').parts.decoder.shape
  const stages = await traceStages(model, pixels, [bosId, ...ids], [])
  return {
    features: tracedFloats(stages, 'image_features'),
    queryOutput: tracedFloats(stages, 'query_output'),
    logits: tracedFloats(stages, 'logits').slice(-(1 + ids.length) * vocabulary),
  }
}

interface Reference extends Seen {
  scene: Scene
  pixels: Pixels
  text: string
  ids: number[]
}

async function references(): Promise<Reference[]> {
  const model = await load(() => 'f32')
  const results: Reference[] = []
  for (let seed = Number(values.from); results.length < Number(values.scenes); seed += 1) {
    const scene = makeScene(seed)
    const pixels = await pixelsOf(scene, model)
    const { text, ids } = await captionOf(model, pixels)
    results.push({ scene, pixels, text, ids, ...(await look(model, pixels, ids)) })
  }
  await model.dispose()
  return results
}

/** Sums of squares over all scenes. */
class Error2 {
  #error = 0
  #energy = 0

  add(ours: Float32Array, reference: Float32Array): void {
    reference.forEach((value, i) => {
      this.#error += ((ours[i] ?? NaN) - value) ** 2
      this.#energy += value ** 2
    })
  }

  get relative(): number {
    return Math.sqrt(this.#error / this.#energy)
  }
}

function logSoftmax(logits: Float32Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const sum = logits.reduce((total, value) => total + Math.exp(value - most), 0)
  return Float64Array.from(logits, (value) => value - most - Math.log(sum))
}

/** Kullback-Leibler divergence of each row from the reference's, summed over rows; whether every best word is the same. */
function compareWords(
  ours: Float32Array,
  reference: Float32Array,
  vocabulary: number,
): { kl: number; same: boolean } {
  let kl = 0
  let same = true
  for (let start = 0; start < reference.length; start += vocabulary) {
    const [p, q] = [reference, ours].map((all) => logSoftmax(all.subarray(start, start + vocabulary)))
    if (p === undefined || q === undefined) continue
    p.forEach((log, i) => (kl += Math.exp(log) * (log - (q[i] ?? NaN))))
    same &&= p.indexOf(Math.max(...p)) === q.indexOf(Math.max(...q))
  }
  return { kl, same }
}

async function measure(title: string, choice: Choice, scenes: readonly Reference[]): Promise<string> {
  const model = await load(choice)
  const { vocabulary } = asFamily(model.manifest, 'blip2-opt').parts.decoder.shape
  const [features, queryOutput, logits] = [new Error2(), new Error2(), new Error2()]
  let [divergence, words, unchanged, right] = [0, 0, 0, 0]
  for (const reference of scenes) {
    const seen = await look(model, reference.pixels, reference.ids)
    features.add(seen.features, reference.features)
    queryOutput.add(seen.queryOutput, reference.queryOutput)
    logits.add(seen.logits, reference.logits)
    const { kl, same } = compareWords(seen.logits, reference.logits, vocabulary)
    divergence += kl
    words += reference.ids.length + 1
    unchanged += same ? 1 : 0
    const text = same ? reference.text : (await captionOf(model, reference.pixels)).text
    right += judgeCaption(text, reference.scene).right ? 1 : 0
  }
  await model.dispose()
  let bytes = 0
  for (const [tensor] of MATRICES) {
    const count = checkpoint.tensors.get(tensor)?.shape.reduce((a, b) => a * b, 1) ?? 0
    bytes += count * BYTES[choice(tensor)]
  }
  const share = (count: number): string => `${((100 * count) / scenes.length).toFixed(1)} %`
  const cells = [
    title,
    (bytes / 1e6).toFixed(2),
    ...[features, queryOutput, logits].map(({ relative }) => relative.toPrecision(2)),
    (divergence / words).toPrecision(2),
    share(unchanged),
    share(right),
  ]
  return `| ${cells.join(' | ')} |`
}

function all(storage: Storage): Choice {
  return () => storage
}

/** `storage` for a group, `others` for all else. */
function only(group: RegExp, storage: Storage, others: Storage): Choice {
  return (tensor) => (group.test(tensor) ? storage : others)
}

/** What `q4` keeps at 8 bits. */
const KEPT_AT_8 = new Set(
  planConversion(plannedModel, 'q4').weights.flatMap(({ recipes }) =>
    recipes.flatMap((recipe) =>
      recipe.kind === 'quantise' && recipe.bits === 8 ? recipe.sources.map(({ tensor }) => tensor) : [],
    ),
  ),
)

/** `q4` as it is converted, with `more` at 8 bits as well and `less` at 4 bits after all. */
function converted({ more, less }: { more?: RegExp | undefined; less?: RegExp | undefined }): Choice {
  return (tensor) => {
    const kept = KEPT_AT_8.has(tensor) && less?.test(tensor) !== true
    return kept || more?.test(tensor) === true ? 'q8' : 'q4'
  }
}

const CHOICES: [string, Choice][] = [
  ['nothing', all('f32')],
  ['all f16', all('f16')],
  ['all q8', all('q8')],
  ['all q4', all('q4')],
  ['all q4 to ±7', all('q4 to ±7')],
  ['all q4 to -8', all('q4 to -8')],
  ['converted', converted({})],
  ...['Q-Former', 'language projection', 'embedding and head'].map((name): [string, Choice] => [
    `converted, but ${name} q4`,
    converted({ less: GROUPS[name] }),
  ]),
  ...Object.entries(GROUPS)
    .filter(([name]) => /^(vision|OPT), block/.test(name))
    .map(([name, more]): [string, Choice] => [`converted, and ${name} q8`, converted({ more })]),
  ...Object.entries(GROUPS).flatMap(([name, group]): [string, Choice][] => [
    [`q4, ${name} q8`, only(group, 'q8', 'q4')],
    [`q4, ${name} f16`, only(group, 'f16', 'q4')],
    [`q4 for ${name} alone`, only(group, 'q4', 'f32')],
  ]),
]

const scenes = await references()
console.log(
  `| choice | MB | image features | query output | logits | divergence | captions kept | captions right |`,
)
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
for (const [title, choice] of CHOICES)
  if (title.includes(values.only)) console.log(await measure(title, choice, scenes))
