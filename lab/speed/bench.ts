/**
 * Measures a model in Chromium on whatever adapter there is, and writes one JSON:
 *   npm run bench -- [--pack public/models/drawn-scenes | --size tiny|mini|launch-bound|2-layers|full] [--precision q4f16]
 *     [--tokens 16] [--prompt-tokens 16] [--adapter software|default] [--provider webgpu|wasm]
 *     [--warm-up | --no-warm-up] [--out <file>]
 * `--size` makes a model up (weights of given shapes, random values) and converts it to `packs/`, once. What each
 * figure is says src/protocol/bench-result.ts. Everything is run once while
 * loading where the page would (`LoadOptions.warmUp`), unless said otherwise.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Provider } from '../../src/pack/device-report.ts'
import { folderSink } from '../../src/cli/files.ts'
import { convertCheckpoint } from '../../src/convert/convert.ts'
import { MANIFEST_PATH } from '../../src/pack/manifest.ts'
import { PRECISIONS } from '../../src/pack/precisions.ts'
import type { BenchResult } from '../../src/protocol/bench-result.ts'
import type { MeasureRequest } from '../../src/protocol/measure-calls.ts'
import { syntheticTree } from '../../src/synthetic/checkpoint.ts'
import { SIZES } from '../../src/synthetic/dimensions.ts'
import type { Memory } from './browser-memory.ts'
import {
  circumstances,
  inMeasuringBrowser,
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
  await convertCheckpoint(syntheticTree(size, 1), folderSink(folder), { precision, name })
  console.error(`converted to ${folder} in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return folder
}

const PACK_URL = '/measured-pack/'

/** The modules are the page's own: Vite makes them from the sources. */
const PAGE = `
  import { connect } from '/src/protocol/rpc.ts'
  globalThis.measure = (input) => {
    const worker = new Worker('/src/engine/measure.worker.ts', { type: 'module' })
    return connect(worker).call('measure', input, { onEvent: ({ stage }) => console.warn(stage) })
  }
`

interface Measured {
  result: BenchResult
  browser: string
  memory: { idle: Memory; peak: Memory }
}

async function measureIn(folder: string): Promise<Measured> {
  const { address, close } = await serveMeasuring(PAGE, folder, PACK_URL)
  try {
    return await inMeasuringBrowser(address, values.adapter, async ({ page, browser, memory, idle }) => {
      page.on('console', (message) => console.error(message.text()))
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
      return { result: result as BenchResult, browser, memory: { idle, peak: memory.peak } }
    })
  } finally {
    await close()
  }
}

async function main(): Promise<void> {
  const folder = values.size === undefined ? values.pack : await syntheticPack(values.size)
  const { result, browser, memory } = await measureIn(folder)
  const report = {
    ...circumstances(browser),
    asked: { tokens: Number(values.tokens), promptTokens: Number(values['prompt-tokens']) },
    ...result,
    /** Megabytes resident, sampled four times a second. */
    processes: memory,
  }
  const name = `${result.device.adapter || result.device.provider}-${result.model.name}-${result.model.precision}`
  writeResult(values.out ?? resultPath(name), report)
}

await main()
