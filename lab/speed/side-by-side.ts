/**
 * Our decoder beside transformers.js (its own OPT path and generation loop, over the graph that an exporter gives) in
 * one browser, on the same adapter and the same weights:
 *   npm install --prefix packs/transformers --ignore-scripts @huggingface/transformers@4.3.1
 *   npx tsx lab/speed/side-by-side.ts [--size launch-bound] [--tokens 12] [--rounds 3] [--positions 40]
 *     [--adapter software|default] [--parts load,beside] [--from server|stores] [--own-kernels] [--out <file>]
 * `PICTALK_CHROMIUM_FLAGS` has further flags of Chromium.
 * Decoders are loaded once and then take turns, round by round, so that a machine that is busy with something else is
 * busy for all; loading is measured in browsers of its own: from a server, or as at a later visit, ours out of IndexedDB and
 * theirs out of the browser's caches. That the exporter's graph computes what ours does was found
 * by a study of the changes between the two (docs/performance.md).
 */
import { execFile } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { build } from 'esbuild'
import { readBlip2Opt } from '../../src/convert/families/blip2-opt.ts'
import { parseConfig } from '../../src/convert/families/config-json.ts'
import type { AddRequest } from '../../src/protocol/keeper-calls.ts'
import { configOf, SIZES, type Size } from '../../src/synthetic/dimensions.ts'
import { joinFile, madeUpFolder, makeUpPack, PRECISION_BESIDE as PRECISION } from './made-up-pack.ts'
import { forgetRendererPeaks, rendererPeak } from './browser-memory.ts'
import {
  circumstances,
  cardOf,
  inMeasuringBrowser,
  KEEP_PACK,
  oneOf,
  resultPath,
  serveMeasuring,
  writeResult,
  type MeasuringBrowser,
} from './measuring-page.ts'
import { median, type DecoderRequest, type DecoderResult } from './side-by-side/answer.ts'
import { exporterGraph } from './side-by-side/exporter-graph.ts'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'launch-bound' },
    tokens: { type: 'string', default: '12' },
    rounds: { type: 'string', default: '3' },
    positions: { type: 'string', default: '40' },
    adapter: { type: 'string', default: 'software' },
    parts: { type: 'string', default: 'load,beside' },
    from: { type: 'string', default: 'server' },
    'own-kernels': { type: 'boolean', default: false },
    transformers: { type: 'string', default: 'packs/transformers' },
    out: { type: 'string' },
  },
})
/** The weights' file as transformers.js looks for it. */
const WEIGHTS = 'model_q4.onnx_data'

/** The pack, and beside it the same weights as transformers.js wants them. */
async function prepare(folder: string, size: Size): Promise<{ vocabulary: number; decoderBytes: number }> {
  const pack = madeUpFolder(size, PRECISION)
  await makeUpPack(pack, size, PRECISION)
  symlinkSync(resolve(pack), join(folder, 'pack'))
  const { text } = readBlip2Opt(parseConfig(configOf(size)))
  const model = join(folder, 'exporter')
  mkdirSync(join(model, 'onnx'), { recursive: true })
  writeFileSync(join(model, 'onnx', 'model_q4.onnx'), exporterGraph(text, PRECISION, WEIGHTS))
  const decoderBytes = joinFile(pack, 'decoder.weights', join(model, 'onnx', WEIGHTS))
  const json = {
    model_type: 'opt',
    architectures: ['OPTForCausalLM'],
    hidden_size: text.hiddenSize,
    num_attention_heads: text.heads,
    num_hidden_layers: text.layers,
    vocab_size: text.vocabulary,
    bos_token_id: 2,
    // No ending: every answer has its full length.
    eos_token_id: null,
    pad_token_id: 1,
    is_encoder_decoder: false,
  }
  writeFileSync(join(model, 'config.json'), JSON.stringify(json))
  writeFileSync(join(model, 'generation_config.json'), JSON.stringify({ bos_token_id: 2, pad_token_id: 1 }))
  const modules = resolve(values.transformers, 'node_modules')
  for (const file of ['ort-wasm-simd-threaded.asyncify.mjs', 'ort-wasm-simd-threaded.asyncify.wasm'])
    copyFileSync(join(modules, 'onnxruntime-web/dist', file), join(folder, file))
  await build({
    entryPoints: ['lab/speed/side-by-side/transformers.worker.ts'],
    outfile: join(folder, 'transformers.worker.js'),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    nodePaths: [modules],
    alias: {
      '@huggingface/transformers': join(modules, '@huggingface/transformers/dist/transformers.web.js'),
    },
    logLevel: 'error',
  })
  return { vocabulary: text.vocabulary, decoderBytes }
}

const PREFIX = '/side/'

/** Workers stop at points of theirs until they are told to go on: `measure` and `goOn` go as far as the next one. */
const PAGE = `${KEEP_PACK}
  const workers = {}
  const next = (name) => new Promise((resolve, reject) => {
    workers[name].onerror = (event) => reject(new Error(event.message))
    workers[name].onmessage = ({ data }) => 'error' in data ? reject(new Error(data.error)) : resolve(data)
  })
  globalThis.measure = ([name, url, input]) => {
    workers[name] = new Worker(url, { type: 'module' })
    const reached = next(name)
    workers[name].postMessage(input)
    return reached
  }
  globalThis.goOn = (name) => {
    const reached = next(name)
    workers[name].postMessage('go on')
    return reached
  }
  globalThis.end = (name) => workers[name].terminate()
  globalThis.keep = async (adding) => (await keepPack(adding)).id
`
const WORKERS = {
  ours: '/lab/speed/side-by-side/ours.worker.ts',
  transformers: `${PREFIX}transformers.worker.js`,
}
type Side = 'ours' | 'transformers'
const SIDES: readonly Side[] = ['ours', 'transformers']

type Page = MeasuringBrowser['page']
interface PageGlobals {
  measure: (input: unknown) => Promise<{ result?: unknown }>
  goOn: (name: string) => Promise<{ result?: unknown }>
  end: (name: string) => void
  keep: (adding: AddRequest) => Promise<string>
}

/** Starts the worker of `name` on `request`. Returns what it answers, if it answers without a stop. */
async function begin(page: Page, name: keyof typeof WORKERS, request: object): Promise<unknown> {
  const reached = await page.evaluate((input) => (globalThis as unknown as PageGlobals).measure(input), [
    name,
    WORKERS[name],
    request,
  ] as const)
  return reached.result
}

async function goOn(page: Page, name: keyof typeof WORKERS): Promise<unknown> {
  return (await page.evaluate((input) => (globalThis as unknown as PageGlobals).goOn(input), name)).result
}

/** Megabytes that the renderer had resident at most while loading, above what it had just before. */
interface LoadPeak {
  rendererLoading: number
}

type Beside = DecoderResult & LoadPeak

/** Ours is kept under the id that is returned; theirs keeps itself when it loads. Both as at a first visit. */
async function keepThere(page: Page, side: Side, request: DecoderRequest): Promise<string | null> {
  if (side === 'ours') {
    const source = { kind: 'address', text: new URL('pack/', request.base).href } as const
    const adding: AddRequest = { source, precision: PRECISION, token: null, hub: request.base }
    return page.evaluate((given) => (globalThis as unknown as PageGlobals).keep(given), adding)
  }
  await begin(page, side, request)
  await goOn(page, side)
  await page.evaluate((name) => (globalThis as unknown as PageGlobals).end(name), side)
  return null
}

/** What a side did for a first visit has to be over, on the disk as well, before a later one is timed. */
async function settled(): Promise<void> {
  await promisify(execFile)('sync')
  await pause(SETTLING_MS)
}

const SETTLING_MS = 3000

/** One side alone in a browser of its own, as far as loading. */
async function loadOnce(address: string, side: Side, given: DecoderRequest): Promise<Beside> {
  return inMeasuringBrowser(address, values.adapter, async ({ page, profile }) => {
    const request = { ...given, loadOnly: true }
    if (values.from === 'stores') {
      request.cached = true
      request.kept = await keepThere(page, side, request)
      await settled()
    }
    forgetRendererPeaks(profile)
    const idle = rendererPeak(profile)
    await begin(page, side, request)
    const rendererLoading = rendererPeak(profile) - idle
    return { ...((await goOn(page, side)) as DecoderResult), rendererLoading }
  })
}

/** Both sides loaded in one browser; then they take turns. */
async function besides(address: string, request: DecoderRequest): Promise<Record<Side, DecoderResult>> {
  return inMeasuringBrowser(address, values.adapter, async ({ page }) => {
    const results: Partial<Record<Side, DecoderResult>> = {}
    for (const side of SIDES) {
      await begin(page, side, { ...request, loadOnly: false })
      // As far as before its first round.
      await goOn(page, side)
      console.error(`${side} is loaded and warm`)
    }
    for (let round = 0; round < request.rounds; round += 1)
      for (const side of SIDES) results[side] = (await goOn(page, side)) as DecoderResult
    return results as Record<Side, DecoderResult>
  })
}

/** Of every number the median over `rounds`; lists that are no figures are left out. */
function mediansOf(rounds: readonly object[]): Record<string, unknown> {
  const [first = {}] = rounds
  const medians: Record<string, unknown> = {}
  for (const key of Object.keys(first)) {
    const all = rounds.map((round): unknown => Reflect.get(round, key))
    const whole = combined(all)
    if (whole !== undefined) medians[key] = whole
  }
  return medians
}

function mediansBySide(beside: Record<Side, DecoderResult>): object {
  return Object.fromEntries(
    SIDES.map((side) => {
      const { rounds, secondTokenMs } = beside[side]
      const perToken = rounds.map(({ decode }) => decode.ms)
      return [side, { secondTokenMs, ...mediansOf(rounds), msPerTokenByRound: perToken }]
    }),
  )
}

function combined(all: readonly unknown[]): unknown {
  if (all.every((value) => typeof value === 'number')) return median(all)
  if (all.every((value) => Array.isArray(value))) {
    const objects = all.map((list) => list.filter((item): item is object => typeof item === 'object'))
    const length = objects[0]?.length ?? 0
    if (length === 0) return undefined
    return Array.from({ length }, (_, i) => mediansOf(objects.map((list) => list[i] ?? {})))
  }
  return mediansOf(all.filter((value): value is object => typeof value === 'object' && value !== null))
}

async function main(): Promise<void> {
  const size = oneOf(SIZES, values.size, 'size')
  const from = oneOf(['server', 'stores'], values.from, 'from')
  const folder = mkdtempSync(join(tmpdir(), 'pictalk-side-'))
  const parts = values.parts.split(',')
  const { vocabulary, decoderBytes } = await prepare(folder, size)
  const { address, close } = await serveMeasuring(PAGE, folder, PREFIX)
  const positions = values.positions.split(',').map(Number)
  const asked = { tokens: Number(values.tokens), rounds: Number(values.rounds), positions }
  const base = new URL(PREFIX, address).href
  const ownKernels = values['own-kernels']
  const request = { base, kept: null, cached: false, vocabulary, ...asked, ownKernels, loadOnly: false }
  try {
    const loads: Record<Side, Beside[]> = { ours: [], transformers: [] }
    for (let round = 0; parts.includes('load') && round < asked.rounds; round += 1)
      for (const side of SIDES) loads[side].push(await loadOnce(address, side, request))
    const { browser, card } = await inMeasuringBrowser(address, values.adapter, async (one) => ({
      browser: one.browser,
      card: await cardOf(one.page),
    }))
    const { version } = JSON.parse(
      readFileSync(join(values.transformers, 'node_modules/@huggingface/transformers/package.json'), 'utf8'),
    ) as { version: string }
    const write = (beside: Record<Side, DecoderResult> | null): void =>
      writeResult(values.out ?? resultPath(`side-by-side-${size}`), {
        ...circumstances(browser),
        adapter: values.adapter,
        card,
        size,
        precision: PRECISION,
        decoderBytes,
        transformers: version,
        asked: { ...asked, from, ownKernels },
        /** Medians over rounds. Milliseconds, bytes; memory of the renderer in megabytes above its idle state. */
        ...(parts.includes('load') && {
          load: Object.fromEntries(SIDES.map((side) => [side, mediansOf(loads[side])])),
        }),
        ...(beside !== null && { beside: mediansBySide(beside) }),
      })
    // Whoever has a limit of time keeps what was measured.
    write(null)
    if (!parts.includes('beside')) return
    const beside = await besides(address, request)
    console.error(JSON.stringify(beside))
    write(beside)
  } finally {
    await close()
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
