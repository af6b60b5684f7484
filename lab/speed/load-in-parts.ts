/**
 * A model of a published shape, each part loaded and run in a process of its own, so that each has all 4 GiB that
 * WebAssembly can address: picture → image features → query embeddings → prompt → tokens, handed on by files.
 *   npx tsx lab/speed/load-in-parts.ts flan-t5-xxl [--pack <folder>] [--precision q4f16] [--provider wasm|webgpu]
 *     [--parts vision,q-former] [--tokens 3]
 * `webgpu` is Dawn, as in `load-published.ts`. With `--pack` one that the converter made is loaded, otherwise weights are
 * made up, which are then in memory beside the model. A part whose inputs nothing has made gets some of its shape.
 * Prints a JSON line for opening each part and one for each run of it: seconds, this process' seconds of processor time,
 * and the most that it has had resident since it began, in MB (the kernel's `VmHWM`).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openPackFolder } from '../../src/cli/files.ts'
import { openProvider } from '../../src/cli/provider.ts'
import type { Pixels } from '../../src/image/pixels.ts'
import { isAside, partsOf, type PartName } from '../../src/pack/families.ts'
import { isPackOf, weightBytes, type PackReader } from '../../src/pack/manifest.ts'
import { qFormer as qFormerTreaty } from '../../src/pack/parts.ts'
import { PRECISIONS } from '../../src/pack/precisions.ts'
import { argmax } from '../../src/runtime/decode/logits.ts'
import { CacheMemory } from '../../src/runtime/language/cache-memory.ts'
import { EncoderDecoder } from '../../src/runtime/language/encoder-decoder.ts'
import { runStep } from '../../src/runtime/language/encoder-decoder-parts.ts'
import { cacheLayout } from '../../src/runtime/language/kv-cache.ts'
import { openCache } from '../../src/runtime/language/open-cache.ts'
import { ReadPrompt } from '../../src/runtime/language/read-prompt.ts'
import { opt } from '../../src/runtime/models/opt.ts'
import { PartsOpener } from '../../src/runtime/models/open-parts.ts'
import { VisionEncoder } from '../../src/runtime/models/vision-encoder.ts'
import { Runtime } from '../../src/runtime/ort/runtime.ts'
import { countOf, type DeviceTensor } from '../../src/runtime/ort/tensor.ts'
import { SIZES } from '../../src/synthetic/dimensions.ts'
import { syntheticPack } from '../../src/synthetic/pack.ts'
import { peakBytesOf } from './browser-memory.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    precision: { type: 'string', default: 'q4f16' },
    pack: { type: 'string' },
    provider: { type: 'string', default: 'wasm' },
    parts: { type: 'string' },
    tokens: { type: 'string', default: '3' },
    /** Of the processes that this one begins: where tensors are handed on. */
    carried: { type: 'string' },
  },
})
const size = SIZES.find((name) => name === positionals[0])
const precision = PRECISIONS.find((name) => name === values.precision)
if (size === undefined || precision === undefined || !/^(wasm|webgpu)$/.test(values.provider))
  throw new Error(`Name one of ${SIZES.join(', ')}, a precision and wasm or webgpu.`)

/** What stands behind the picture: BOS of OPT, the end of T5's empty prompt. */
const PROMPT = { 'blip2-opt': [2], 'blip2-t5': [1] }
const POSITIONS = 128
const wanted = Number(values.tokens)

let [since, before] = [performance.now(), process.cpuUsage()]
function told(part: string, stage: string, facts: object = {}): void {
  const { user, system } = process.cpuUsage(before)
  const seconds = Number(((performance.now() - since) / 1000).toFixed(1))
  const processorSeconds = Number(((user + system) / 1e6).toFixed(1))
  const peakMB = Math.round(peakBytesOf('self') / 1e6)
  console.log(JSON.stringify({ size, part, stage, seconds, processorSeconds, peakMB, ...facts }))
  ;[since, before] = [performance.now(), process.cpuUsage()]
}

/** Tensors between processes: float32 values in one file each, their dimensions in another beside it. */
class Carried {
  readonly #folder: string
  readonly #runtime: Runtime

  constructor(folder: string, runtime: Runtime) {
    this.#folder = folder
    this.#runtime = runtime
  }

  /** Disposes of them. */
  async put(tensors: Readonly<Record<string, DeviceTensor>>): Promise<void> {
    for (const [name, tensor] of Object.entries(tensors)) {
      const numbers = await tensor.read()
      if (!numbers.every(Number.isFinite)) throw new Error(`${name} has values that are no numbers.`)
      writeFileSync(join(this.#folder, `${name}.f32`), numbers)
      writeFileSync(join(this.#folder, `${name}.dims`), JSON.stringify(tensor.dims))
      tensor.dispose()
    }
  }

  /** What was put under this name, or else made-up values of these dimensions. */
  take(name: string, dims: number[]): DeviceTensor {
    if (!existsSync(join(this.#folder, `${name}.dims`)))
      return this.#runtime.resident(
        'float32',
        Float32Array.from({ length: countOf(dims) }, (_, i) => Math.sin(i)),
        dims,
      )
    const bytes = readFileSync(join(this.#folder, `${name}.f32`))
    const own = JSON.parse(readFileSync(join(this.#folder, `${name}.dims`), 'utf8')) as number[]
    return this.#runtime.resident('float32', new Float32Array(Uint8Array.from(bytes).buffer), own)
  }
}

/** Next tokens from a row of logits on; tells of each. */
async function decode(
  part: string,
  first: Float32Array,
  step: (token: number) => Promise<Float32Array>,
): Promise<void> {
  const tokens: number[] = []
  for (let logits = first; ; logits = await step(tokens.at(-1) ?? 0)) {
    if (!logits.every(Number.isFinite)) throw new Error('Logits that are no numbers.')
    tokens.push(argmax(logits))
    told(part, `token ${tokens.length}`, { tokens })
    if (tokens.length >= wanted) return
  }
}

async function runVision(opener: PartsOpener): Promise<Record<string, DeviceTensor>> {
  const vision = await VisionEncoder.open(opener)
  told('vision', 'opened')
  const { data, size: side }: Pixels = vision.nothing()
  const features = await vision.encode({ data: data.fill(0.1), size: side, brand: 'pixels' })
  told('vision', 'looked', { dims: features.dims })
  return { features }
}

async function runQFormer(opener: PartsOpener, carried: Carried): Promise<Record<string, DeviceTensor>> {
  const session = await opener.open('q-former', { keepOnDevice: Object.values(qFormerTreaty.output) })
  told('q-former', 'opened')
  const { tokens, hiddenSize } = opener.manifest.parts.vision.shape
  const features = carried.take('features', [1, tokens, hiddenSize])
  const { [qFormerTreaty.output.embeddings]: embeddings } = await session.run({
    [qFormerTreaty.input.features]: features,
  })
  if (embeddings === undefined) throw new Error('The Q-Former returned nothing.')
  told('q-former', 'looked', { dims: embeddings.dims })
  return { embeddings }
}

async function runOpt(opener: PartsOpener<'blip2-opt'>, carried: Carried): Promise<void> {
  const { shape } = opener.manifest.parts.decoder
  const context = { positions: POSITIONS, possible: shape.positions, why: 'memory' } as const
  const language = await opt.open(opener, { context, cacheBytes: Infinity })
  told('decoder', 'opened')
  const sequence = language.start(carried.take('embeddings', [1, shape.queries, shape.hiddenSize]))
  const { logits, ran } = await sequence.begin(PROMPT['blip2-opt'], wanted)
  told('decoder', `read ${ran} positions`)
  await decode('decoder', logits, (token) => sequence.step(token))
}

async function runT5Encoder(
  opener: PartsOpener<'blip2-t5'>,
  carried: Carried,
): Promise<Record<string, DeviceTensor>> {
  const { runtime, manifest } = opener
  const { shape } = manifest.parts['text-encoder']
  const encoder = await opener.open('text-encoder', {
    keepOnDevice: EncoderDecoder.encoderOutputs(manifest.parts['text-decoder'].shape),
  })
  told('text-encoder', 'opened')
  const queries = carried.take('embeddings', [1, shape.queries, shape.hiddenSize])
  const { hidden, cross } = await ReadPrompt.read(
    { runtime, encoder, shape: t5Shape(opener) },
    queries,
    PROMPT['blip2-t5'],
  )
  told('text-encoder', `read ${hidden.dims[1] ?? 0} positions`)
  hidden.dispose()
  return cross
}

async function runT5Decoder(opener: PartsOpener<'blip2-t5'>, carried: Carried): Promise<void> {
  const { runtime } = opener
  const shape = t5Shape(opener)
  const decoder = await opener.open('text-decoder', { keepOnDevice: EncoderDecoder.decoderOutputs(shape) })
  told('text-decoder', 'opened')
  const cache = await openCache(new CacheMemory(runtime, cacheLayout(shape, 'float32')), POSITIONS)
  const positions = shape.queries + PROMPT['blip2-t5'].length
  const names = EncoderDecoder.encoderOutputs(shape).slice(1)
  const dims = [1, shape.heads, positions, shape.cacheHeadSize]
  const cross = Object.fromEntries(names.map((name) => [name, carried.take(name, dims)]))
  let past = -1
  const step = (token: number): Promise<Float32Array> => {
    past += 1
    return runStep({ runtime, decoder, shape }, cache, { cross }, { tokens: [token], past })
  }
  await decode('text-decoder', await step(shape.startId), step)
}

function t5Shape({ manifest: { parts } }: PartsOpener<'blip2-t5'>) {
  const { queries } = parts['text-encoder'].shape
  const room = { queries, promptPositions: POSITIONS, answerPositions: POSITIONS }
  return { ...parts['text-decoder'].shape, ...room }
}

/** Loads one part and runs it. */
async function runPart(pack: PackReader, part: PartName, folder: string): Promise<void> {
  const remark = (line: string): void => console.error(line)
  const provider = values.provider === 'wasm' ? 'wasm' : 'webgpu'
  const signal = new AbortController().signal
  const runtime = await Runtime.open(await openProvider({ provider }, { signal, print: remark, remark }))
  const carried = new Carried(folder, runtime)
  if (part === 'vision') return carried.put(await runVision(new PartsOpener(runtime, pack, ['vision'], {})))
  if (part === 'q-former')
    return carried.put(await runQFormer(new PartsOpener(runtime, pack, ['q-former'], {}), carried))
  if (isPackOf(pack, 'blip2-opt')) return runOpt(new PartsOpener(runtime, pack, ['decoder'], {}), carried)
  if (!isPackOf(pack, 'blip2-t5')) throw new Error(`${part} is not run here.`)
  const opener = new PartsOpener(runtime, pack, [part === 'text-encoder' ? part : 'text-decoder'], {})
  return part === 'text-encoder'
    ? carried.put(await runT5Encoder(opener, carried))
    : runT5Decoder(opener, carried)
}

/** Every part, each by a process of its own. */
function runEach(pack: PackReader, parts: readonly PartName[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'pictalk-parts-'))
  try {
    for (const part of parts) {
      const weights = weightBytes(pack.manifest, part)
      console.log(JSON.stringify({ size, part, weightBytes: weights }))
      const [script = '', ...own] = process.argv.slice(1)
      const child = [...process.execArgv, script, ...own, '--parts', part, '--carried', folder]
      const { status } = spawnSync(process.execPath, child, { stdio: 'inherit' })
      if (status !== 0) throw new Error(`${part} ended with ${String(status)}.`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const pack =
  values.pack === undefined ? syntheticPack({ size, precision, seed: 1 }) : await openPackFolder(values.pack)
const wantedParts = values.parts?.split(',')
const parts = partsOf(pack.manifest)
  .map(([name]) => name)
  .filter((name) => wantedParts?.includes(name) ?? !isAside(name))
const [only] = parts
if (only === undefined) throw new Error(`There is no part ${String(values.parts)}.`)
if (values.carried === undefined) runEach(pack, parts)
else await runPart(pack, only, values.carried)
