/**
 * Measures a model in Chromium on whatever adapter there is, and writes one JSON:
 *   npm run bench -- [--pack public/models/drawn-scenes | --size tiny|mini|launch-bound|2-layers|full] [--precision q4f16]
 *     [--tokens 16] [--prompt-tokens 16] [--in chromium|node] [--adapter software|default] [--provider webgpu|wasm]
 *     [--kernels never|auto|always] [--timestamps] [--warm-up | --no-warm-up] [--out <file>]
 * `--size` makes a model up (weights of given shapes, random bytes) in `packs/`, once, which takes seconds. What each
 * figure is says src/protocol/bench-result.ts. `--timestamps` adds the time inside each kernel; browsers round it unless
 * `PICTALK_CHROMIUM_FLAGS` has --disable-dawn-features=timestamp_quantization, and `PICTALK_DAWN_FLAGS` the same without
 * dashes. Everything is run once while loading where the page would (`LoadOptions.warmUp`), unless said otherwise.
 * `PICTALK_CHROMIUM_FLAGS` has further flags of Chromium. In Node WebGPU is Dawn, the optional package `webgpu`;
 * `PICTALK_DAWN_FLAGS` has its flags, as `adapter=<part of its name>`.
 */
import { parseArgs } from 'node:util'
import type { Provider } from '../../src/pack/device-report.ts'
import { measure } from '../../src/bench/measure.ts'
import { openPackFolder } from '../../src/cli/files.ts'
import { openProvider } from '../../src/cli/provider.ts'
import { AppError } from '../../src/pack/failure.ts'
import { PRECISIONS } from '../../src/pack/precisions.ts'
import type { BenchResult } from '../../src/protocol/bench-result.ts'
import type { MeasureRequest } from '../../src/protocol/measure-calls.ts'
import { SIZES } from '../../src/synthetic/dimensions.ts'
import type { Memory } from './browser-memory.ts'
import { madeUpFolder, makeUpPack } from './made-up-pack.ts'
import {
  call,
  circumstances,
  inMeasuringBrowser,
  KERNELS,
  oneOf,
  resultPath,
  serveMeasuring,
  writeResult,
} from './measuring-page.ts'

const { values } = parseArgs({
  options: {
    pack: { type: 'string', default: 'public/models/drawn-scenes' },
    size: { type: 'string' },
    precision: { type: 'string', default: 'q4f16' },
    tokens: { type: 'string', default: '16' },
    'prompt-tokens': { type: 'string', default: '16' },
    adapter: { type: 'string', default: 'software' },
    in: { type: 'string', default: 'chromium' },
    provider: { type: 'string', default: 'webgpu' },
    kernels: { type: 'string', default: 'never' },
    timestamps: { type: 'boolean', default: false },
    'warm-up': { type: 'boolean' },
    out: { type: 'string' },
  },
  allowNegative: true,
})

/** A pack of made-up weights, made when it is not there yet. */
async function madeUp(sizeName: string): Promise<string> {
  const size = oneOf(SIZES, sizeName, 'size')
  const precision = oneOf(PRECISIONS, values.precision, 'precision')
  const folder = madeUpFolder(size, precision)
  await makeUpPack(folder, size, precision)
  return folder
}

const PACK_URL = '/measured-pack/'

/** The modules are the page's own: Vite makes them from the sources. */
const PAGE = `
  import { connect } from '/src/protocol/rpc.ts'
  globalThis.measure = (input) => {
    const worker = new Worker('/src/engine/measure.worker.ts', { type: 'module' })
    return connect(worker).call('measure', input, { onEvent: ({ stage, soFar }) => {
      console.warn(stage)
      void globalThis.partlyMeasured(soFar)
    } })
  }
`

interface Measured<Result = BenchResult> {
  result: Result
  browser: string
  memory: { idle: Memory; peak: Memory }
}

async function measureIn(folder: string): Promise<Measured> {
  const { address, close } = await serveMeasuring(PAGE, folder, PACK_URL)
  try {
    return await inMeasuringBrowser(address, values.adapter, async ({ page, browser, memory, idle }) => {
      // Whoever has a limit of time keeps what was measured.
      await page.exposeFunction('partlyMeasured', (soFar: Partial<BenchResult>) => {
        if (values.out !== undefined)
          writeResult(values.out, reportOf({ result: soFar, browser, memory: { idle, peak: memory.peak } }))
      })
      page.on('console', (message) => console.error(message.text()))
      const request: MeasureRequest = {
        pack: { kind: 'web', url: new URL(PACK_URL, address).href },
        prefer: oneOf<Provider>(['webgpu', 'wasm'], values.provider, 'provider'),
        tokens: Number(values.tokens),
        promptTokens: Number(values['prompt-tokens']),
        kernels: oneOf(KERNELS, values.kernels, 'kernels'),
        timestamps: values.timestamps,
        warmUp: values['warm-up'],
      }
      const result = await call<BenchResult>({ page }, request)
      return { result, browser, memory: { idle, peak: memory.peak } }
    })
  } finally {
    await close()
  }
}

/** The engine in this process: no browser, no worker, and on WebGPU no other process for the graphics card either. */
async function measureInNode(folder: string): Promise<Measured> {
  const provider = oneOf<Provider>(['webgpu', 'wasm'], values.provider, 'provider')
  const remark = (line: string): void => console.error(line)
  const { signal } = new AbortController()
  const compute = await openProvider(
    { provider, timestamps: values.timestamps },
    { signal, print: remark, remark },
  )
  const idle = nodeMemory()
  const result = await measure(await openPackFolder(folder), compute, {
    tokens: Number(values.tokens),
    promptTokens: Number(values['prompt-tokens']),
    kernels: oneOf(KERNELS, values.kernels, 'kernels'),
    warmUp: values['warm-up'],
    onStage: (stage) => console.error(stage),
  })
  const peak = Math.round((process.resourceUsage().maxRSS * 1024) / 1e6)
  return {
    result,
    browser: `Node ${process.version}`,
    memory: { idle, peak: { rss: peak, pss: peak, byType: { node: peak } } },
  }
}

function nodeMemory(): Memory {
  const rss = Math.round(process.memoryUsage.rss() / 1e6)
  return { rss, pss: rss, byType: { node: rss } }
}

function reportOf({ result, browser, memory }: Measured<Partial<BenchResult>>): object {
  return {
    ...circumstances(browser),
    asked: {
      tokens: Number(values.tokens),
      promptTokens: Number(values['prompt-tokens']),
      kernels: values.kernels,
    },
    ...result,
    /** Megabytes resident, sampled four times a second; of Node the most there was. */
    processes: memory,
  }
}

async function main(): Promise<void> {
  const folder = values.size === undefined ? values.pack : await madeUp(values.size)
  const where = oneOf(['chromium', 'node'] as const, values.in, 'in')
  const measured = await (where === 'node' ? measureInNode(folder) : measureIn(folder))
  const { result } = measured
  const name = `${result.device.adapter || result.device.provider}-${result.model.name}-${result.model.precision}`
  writeResult(values.out ?? resultPath(name), reportOf(measured))
}

main().then(
  // Dawn keeps the process alive otherwise.
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof AppError ? error.message : error)
    process.exit(1)
  },
)
