/**
 * The error of each stage at the full size of `blip2-opt-2.7b`, and whether its numbers stay within float16:
 *   npx tsx lab/quantisation/full-shapes.ts [--python <python with torch>] [--layers 39,12,32] [--outliers 8] [--chains "fp32;q4f16"]
 * Weights are made up (src/synthetic) and quantised by the converter's own code, layer by layer; full_shapes.py runs
 * each layer in every precision. Never is more than one layer in memory. `--outliers` is how far above the others the
 * few channels lie that layers write as outliers. Prints two tables: root mean square error against float32 behind each
 * stage, and the largest magnitude of each kind of value. Takes about half an hour of one core.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { readBlip2Opt } from '../../src/convert/families/blip2-opt.ts'
import { parseConfig } from '../../src/convert/families/config-json.ts'
import { readModel } from '../../src/convert/families/families.ts'
import { planConversion } from '../../src/convert/plan.ts'
import { quantiseBlocks } from '../../src/convert/quantise.ts'
import type { QuantiseRecipe, Recipe } from '../../src/convert/weights.ts'
import { publishedConfig } from '../../src/synthetic/published.ts'
import { OUTLIER_GAIN, valueSource } from '../../src/synthetic/values.ts'

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    layers: { type: 'string', default: '39,12,32' },
    outliers: { type: 'string', default: String(OUTLIER_GAIN) },
    chains: { type: 'string', default: 'fp32;fp16;q8;q4;q4f16;q4, level 4' },
  },
})

const [visionLayers = 0, qFormerLayers = 0, textLayers = 0] = values.layers.split(',').map(Number)
const configText = JSON.stringify(
  publishedConfig('opt-2.7b', { vision: visionLayers, qFormer: qFormerLayers, text: textLayers }),
)
const config = readBlip2Opt(parseConfig(configText))
const recipes = planConversion(readModel(parseConfig(configText)), 'q4').weights.flatMap(
  (plan) => plan.recipes,
)
const source = valueSource(1, Number(values.outliers))

/** Ids of a prompt of sixteen: any will do, as the weights mean nothing. */
const IDS = [2, ...Array.from({ length: 15 }, (_, i) => 100 + 977 * i)]

interface Tensor {
  name: string
  dtype: 'F32' | 'F16' | 'U8'
  shape: number[]
  bytes: Uint8Array
}

function bytesOf(data: Float32Array | Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** All sources of a recipe, one after the other. */
function made(recipe: Recipe): Float32Array<ArrayBuffer> {
  const out = new Float32Array(recipe.sources.reduce((sum, { shape }) => sum + sizeOf(shape), 0))
  let at = 0
  for (const { tensor, shape } of recipe.sources) {
    out.set(source.values(tensor, shape, 0, sizeOf(shape)), at)
    at += sizeOf(shape)
  }
  return out
}

function nameOf(recipe: Recipe): string {
  if (recipe.kind !== 'quantise') return recipe.output.name
  const name = recipe.packed.name.replace(/\.q\d$/, '')
  return name.endsWith('.weight') ? name : `${name}.weight`
}

/** A matrix as float32, as 8-bit blocks, and as the plan says where that is 4 bits; scales as float16. */
function matrix(recipe: QuantiseRecipe): Tensor[] {
  const { rows, columns } = recipe
  const name = nameOf(recipe)
  const weights = made(recipe)
  const tensors: Tensor[] = [
    { name: `${name}.f32`, dtype: 'F32', shape: [rows, columns], bytes: bytesOf(weights) },
  ]
  for (const bits of recipe.bits === 4 ? ([4, 8] as const) : ([8] as const)) {
    const { packed, scales } = quantiseBlocks(weights, rows, columns, bits, 'float16')
    tensors.push(
      { name: `${name}.q${bits}`, dtype: 'U8', shape: [rows, packed.length / rows], bytes: packed },
      { name: `${name}.q${bits}.scales`, dtype: 'F16', shape: [rows, columns / 32], bytes: bytesOf(scales) },
    )
  }
  return tensors
}

function tensorsOf(recipe: Recipe): Tensor[] {
  if (recipe.kind === 'quantise') return matrix(recipe)
  return [{ name: nameOf(recipe), dtype: 'F32', shape: recipe.output.dims, bytes: bytesOf(made(recipe)) }]
}

async function writeFile(path: string, tensors: readonly Tensor[]): Promise<void> {
  let end = 0
  const entries = tensors.map(({ name, dtype, shape, bytes }) => {
    const start = end
    end += bytes.length
    return [name, { dtype, shape, data_offsets: [start, end] }]
  })
  const text = JSON.stringify(Object.fromEntries(entries))
  const json = Buffer.from(text.padEnd(8 * Math.ceil(text.length / 8)))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  const file = await open(path, 'w')
  try {
    for (const part of [length, json, ...tensors.map(({ bytes }) => bytes)]) await file.writeFile(part)
  } finally {
    await file.close()
  }
}

interface Step {
  step: string
  /** Recipes whose name begins so belong to the step. */
  prefix: string
  /** The row of the table that the error behind this step goes to, if any. */
  stage?: string
  [fact: string]: unknown
}

const VISION = 'vision_model.encoder.layers'
const Q_FORMER = 'qformer.encoder.layer'
const TEXT = 'language_model.model.decoder.layers'

function range<T>(count: number, of: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => of(i))
}

/** A stage that is told of after the first quarter, the half and the end. */
function milestone(name: string, i: number, count: number): { stage?: string } {
  const told = [1, Math.ceil(count / 4), Math.ceil(count / 2), count].includes(i + 1)
  return told ? { stage: `${name} ${i + 1}` } : {}
}

const STEPS: Step[] = [
  { step: 'patches', prefix: 'vision_model.embeddings' },
  ...range(visionLayers, (i) => ({
    step: 'vision_block',
    prefix: `${VISION}.${i}`,
    heads: config.vision.heads,
    ...milestone('vision block', i, visionLayers),
  })),
  { step: 'vision_end', prefix: 'vision_model.post_layernorm', stage: 'image features' },
  { step: 'q_former_start', prefix: 'q' },
  ...range(qFormerLayers, (i) => ({
    step: 'q_former_block',
    prefix: `${Q_FORMER}.${i}`,
    heads: config.qFormer.heads,
    crosses: i % config.qFormer.crossAttentionFrequency === 0,
    ...(i === qFormerLayers - 1 && { stage: 'query output' }),
  })),
  { step: 'projection', prefix: 'language_projection', stage: 'query embeddings' },
  { step: 'prompt', prefix: 'embed_', ids: IDS },
  ...range(textLayers, (i) => ({
    step: 'decoder_block',
    prefix: `${TEXT}.${i}`,
    heads: config.text.heads,
    ...milestone('OPT block', i, textLayers),
  })),
  { step: 'decoder_end', prefix: 'e', ids: IDS, stage: 'logits' },
]

function belongs(recipe: Recipe, { step, prefix }: Step): boolean {
  const name = nameOf(recipe)
  if (step === 'q_former_start') return name === 'query_tokens' || name.startsWith('qformer.layernorm')
  if (step === 'decoder_end')
    return name === 'embed_tokens.weight' || name.startsWith('language_model.model.decoder.final_layer_norm')
  return name.startsWith(step === 'prompt' ? prefix : `${prefix}.`)
}

interface Reply {
  errors: Record<string, number | null>
  largest: Record<string, Record<string, number>>
}

async function main(): Promise<void> {
  const folder = join('packs', 'full-shapes')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'layer.safetensors')
  const env = { ...process.env, OMP_NUM_THREADS: '1' }
  const script = join(import.meta.dirname, 'full_shapes.py')
  const child = spawn(values.python, [script, values.chains], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const replies = createInterface(child.stdout)[Symbol.asyncIterator]()
  const ask = async (facts: object): Promise<Reply> => {
    child.stdin.write(`${JSON.stringify(facts)}\n`)
    const reply: IteratorResult<string, undefined> = await replies.next()
    if (reply.done === true) throw new Error('full_shapes.py ended; what it said is above.')
    return JSON.parse(reply.value) as Reply
  }
  await ask({ step: 'pixels', size: config.vision.imageSize })
  const chains = values.chains.split(';').filter((chain) => chain !== 'fp32')
  const largest = new Map<string, Record<string, number>>()
  console.log(`| behind | ${chains.join(' | ')} |`)
  console.log(`| --- |${' --- |'.repeat(chains.length)}`)
  for (const step of STEPS) {
    const started = performance.now()
    await writeFile(file, recipes.filter((recipe) => belongs(recipe, step)).flatMap(tensorsOf))
    const reply = await ask({ ...step, file })
    console.error(`${step.prefix}: ${((performance.now() - started) / 1000).toFixed(0)} s`)
    if (step.stage !== undefined) {
      const cells = chains.map((chain) => reply.errors[chain]?.toPrecision(2) ?? 'overflow')
      console.log(`| ${[step.stage, ...cells].join(' | ')} |`)
    }
    const part = /^[pv]/.test(step.step) && step.step !== 'projection' ? 'vision' : 'OPT'
    if (step.step.startsWith('q_') || step.step === 'projection') continue
    for (const [chain, magnitudes] of Object.entries(reply.largest)) {
      for (const [name, magnitude] of Object.entries(magnitudes)) {
        const key = `${step.step === 'prompt' ? 'OPT' : part}, ${name}`
        const row = largest.get(key) ?? {}
        row[chain] = Math.max(row[chain] ?? 0, magnitude)
        largest.set(key, row)
      }
    }
  }
  child.stdin.end()
  await once(child, 'close')
  console.log(`\n| largest magnitude | fp32 | q4f16 |`)
  console.log('| --- | --- | --- |')
  const digits = (value: number | undefined): string => (value === undefined ? '' : value.toPrecision(3))
  for (const [name, row] of largest)
    console.log(`| ${name} | ${digits(row['fp32'])} | ${digits(row['q4f16'])} |`)
}

await main()
