/**
 * Measures a model in Chromium on whatever adapter there is, and writes one JSON:
 *   npm run bench -- [--pack public/models/drawn-scenes | --size tiny|mini|2-layers|full] [--precision q4f16]
 *     [--tokens 16] [--prompt-tokens 16] [--adapter software|default] [--provider webgpu|wasm]
 *     [--warm-up | --no-warm-up] [--out <file>]
 * `--size` makes a model up (weights of given shapes, random values) and converts it to `packs/`, once. What each
 * figure is says src/protocol/bench-result.ts. Everything is run once while
 * loading where the page would (`LoadOptions.warmUp`), unless said otherwise.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { cpus, platform, release, tmpdir, totalmem } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from '@playwright/test'
import { createServer, type Plugin } from 'vite'
import { folderSink } from '../src/cli/files.ts'
import { convertBlip2 } from '../src/convert/convert.ts'
import { MANIFEST_PATH, PRECISIONS } from '../src/pack/manifest.ts'
import type { BenchResult } from '../src/protocol/bench-result.ts'
import type { Provider } from '../src/protocol/calls.ts'
import type { MeasureRequest } from '../src/protocol/measure-calls.ts'
import { syntheticTree } from '../src/synthetic/checkpoint.ts'
import { SIZES } from '../src/synthetic/dimensions.ts'
import { launchOptions } from './browser.ts'
import { watchMemory, type Memory } from './browser-memory.ts'

const { values } = parseArgs({
  options: {
    pack: { type: 'string', default: 'public/models/drawn-scenes' },
    size: { type: 'string' },
    precision: { type: 'string', default: 'q4f16' },
    tokens: { type: 'string', default: '16' },
    'prompt-tokens': { type: 'string', default: '16' },
    adapter: { type: 'string', default: 'software' },
    provider: { type: 'string', default: 'webgpu' },
    'warm-up': { type: 'boolean' },
    out: { type: 'string' },
  },
  allowNegative: true,
})

/** One of `known`, or an error that lists them. */
function oneOf<T extends string>(known: readonly T[], given: string, flag: string): T {
  const found = known.find((one) => one === given)
  if (found === undefined) throw new Error(`--${flag} must be one of ${known.join(', ')}, not ${given}.`)
  return found
}

/** A pack of made-up weights under `packs/`, which Git ignores; made when it is not there yet. */
async function syntheticPack(sizeName: string): Promise<string> {
  const size = oneOf(SIZES, sizeName, 'size')
  const precision = oneOf(PRECISIONS, values.precision, 'precision')
  const folder = join('packs', `synthetic-${size}-${precision}`)
  if (existsSync(join(folder, MANIFEST_PATH))) return folder
  const started = performance.now()
  const name = `synthetic ${size}`
  await convertBlip2(syntheticTree(size, 1), folderSink(folder), { precision, name })
  console.error(`converted to ${folder} in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return folder
}

const PACK_URL = '/measured-pack/'

/** The modules are the page's own: Vite makes them from the sources. */
const PAGE = `<!doctype html><link rel="icon" href="data:," /><title>Measuring</title><script type="module">
  import { connect } from '/src/protocol/rpc.ts'
  globalThis.measure = (input) => {
    const worker = new Worker('/src/workers/measure.worker.ts', { type: 'module' })
    return connect(worker).call('measure', input, { onEvent: ({ stage }) => console.warn(stage) })
  }
</script>`

/** Serves the pack's files, and an empty page to start the worker from. */
function serving(folder: string): Plugin {
  const root = resolve(folder)
  return {
    name: 'measured-pack',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const path = new URL(request.url ?? '/', 'http://localhost').pathname
        if (path === '/measure.html') {
          response.setHeader('content-type', 'text/html').end(PAGE)
          return
        }
        const file = resolve(root, path.slice(PACK_URL.length))
        if (!path.startsWith(PACK_URL) || !file.startsWith(root + sep)) {
          next()
          return
        }
        readFile(file).then(
          (bytes) => response.end(bytes),
          () => response.writeHead(404).end(),
        )
      })
    },
  }
}

interface Measured {
  result: BenchResult
  browser: string
  memory: { idle: Memory; peak: Memory }
}

async function measureIn(folder: string): Promise<Measured> {
  const server = await createServer({ server: { port: 0 }, plugins: [serving(folder)], logLevel: 'error' })
  await server.listen()
  const [address] = server.resolvedUrls?.local ?? []
  const profile = mkdtempSync(join(tmpdir(), 'pictalk-bench-'))
  const launch = launchOptions()
  const args = launch.args.filter(
    (arg) => values.adapter === 'software' || !arg.includes('use-webgpu-adapter'),
  )
  const context = await chromium.launchPersistentContext(profile, { ...launch, args })
  const memory = watchMemory(profile)
  try {
    const page = context.pages()[0] ?? (await context.newPage())
    page.setDefaultTimeout(0)
    page.on('console', (message) => console.error(message.text()))
    await page.goto(new URL('/measure.html', address).href)
    await page.waitForFunction(() => 'measure' in globalThis)
    await page.waitForTimeout(1500)
    const idle = { ...memory.peak, byType: { ...memory.peak.byType } }
    memory.reset()
    const request: MeasureRequest = {
      pack: { kind: 'web', url: new URL(PACK_URL, address).href },
      prefer: oneOf<Provider>(['webgpu', 'wasm'], values.provider, 'provider'),
      tokens: Number(values.tokens),
      promptTokens: Number(values['prompt-tokens']),
      warmUp: values['warm-up'],
    }
    const result = await page.evaluate(
      (input) => (globalThis as unknown as { measure: (input: object) => Promise<unknown> }).measure(input),
      request,
    )
    return {
      result: result as BenchResult,
      browser: `Chromium ${context.browser()?.version() ?? ''}`.trim(),
      memory: { idle, peak: memory.peak },
    }
  } finally {
    memory.stop()
    await context.close()
    await server.close()
    rmSync(profile, { recursive: true, force: true })
  }
}

async function main(): Promise<void> {
  const folder = values.size === undefined ? values.pack : await syntheticPack(values.size)
  const { result, browser, memory } = await measureIn(folder)
  const report = {
    measured: new Date().toISOString().slice(0, 10),
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      system: `${platform()} ${release()}`,
      browser,
    },
    asked: { tokens: Number(values.tokens), promptTokens: Number(values['prompt-tokens']) },
    ...result,
    /** Megabytes resident, sampled four times a second. */
    processes: memory,
  }
  const name = `${result.device.adapter || result.device.provider}-${result.model.name}-${result.model.precision}`
  const out = values.out ?? join('bench', 'results', `${name.replace(/[^\w]+/g, '-').toLowerCase()}.json`)
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(out, `${JSON.stringify(report, rounded, 2)}\n`)
  console.log(JSON.stringify(report, rounded, 2))
  console.error(`written to ${out}`)
}

/** Four significant digits of what is no whole number. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value
}

await main()
