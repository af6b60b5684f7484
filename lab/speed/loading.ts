/**
 * How long a kept model takes to be there, and what of the page's memory: a made-up pack is downloaded into IndexedDB once,
 * then loaded from there by the engine, each time by a new thread.
 *   npx tsx lab/speed/loading.ts [--size tiny|mini|launch-bound|2-layers|full] [--precision q4f16] [--rounds 3]
 *     [--provider webgpu|wasm] [--kernels never|auto|always] [--adapter software|default] [--functions] [--out <file>]
 * Writes one JSON: milliseconds by stage of each load, processor's seconds by thread, and megabytes that the page's process
 * had resident at most, above what it had before. `PICTALK_CHROMIUM_FLAGS` has further flags of Chromium.
 */
import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { servePack } from '../../src/cli/serve.ts'
import type { Provider } from '../../src/pack/device-report.ts'
import { PRECISIONS } from '../../src/pack/precisions.ts'
import type { LoadedModel } from '../../src/protocol/engine-calls.ts'
import { SIZES } from '../../src/synthetic/dimensions.ts'
import { forgetRendererPeaks, rendererPeak } from './browser-memory.ts'
import { processorOf, spentSince } from './browser-processor.ts'
import { madeUpFolder, makeUpPack } from './made-up-pack.ts'
import {
  call,
  cardOf,
  circumstances,
  inMeasuringBrowser,
  KEEP_PACK,
  KERNELS,
  oneOf,
  resultPath,
  serveMeasuring,
  writeResult,
  type MeasuringBrowser,
} from './measuring-page.ts'
import { profileWorkers } from './worker-profile.ts'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'mini' },
    precision: { type: 'string', default: 'q4f16' },
    rounds: { type: 'string', default: '3' },
    provider: { type: 'string', default: 'webgpu' },
    kernels: { type: 'string', default: 'never' },
    adapter: { type: 'string', default: 'software' },
    functions: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})

/** Keeper and engine are the page's own. */
const PAGE = `${KEEP_PACK}
  let last
  globalThis.measure = async ({ keep, load }) => {
    if (keep === undefined && load === undefined) {
      last?.terminate()
      return null
    }
    if (keep !== undefined) return keepPack(keep)
    last = new Worker('/src/engine/engine.worker.ts', { type: 'module' })
    const engine = connect(last)
    await engine.call('ping', null)
    const began = performance.now()
    const stages = []
    const onEvent = (event) => {
      // Weights are read ahead while parts are prepared.
      if (event.stage === 'fetching' && stages.length > 0) return
      const stage = event.stage === 'preparing' ? event.graph : event.stage
      if (stages.at(-1)?.stage !== stage) stages.push({ stage, at: performance.now() - began })
    }
    const { device } = await engine.call('load', load, { onEvent })
    return { ms: performance.now() - began, stages, device }
  }
`

interface Kept {
  id: string
  bytes: number
  ms: number
}

interface Loaded {
  ms: number
  /** Milliseconds since the beginning at which each stage began. */
  stages: { stage: string; at: number }[]
  device: LoadedModel['device']
}

async function keep(browser: MeasuringBrowser, folder: string): Promise<Kept> {
  const server = await servePack(folder, { port: 0, host: '127.0.0.1' })
  try {
    const source = { kind: 'address', text: server.url } as const
    return await call<Kept>(browser, { keep: { source, precision: 'q4', token: null, hub: server.url } })
  } finally {
    await server.close()
  }
}

/** A thread that has ended gives its memory back a little later. */
const SETTLING_MS = 2000

/** The thread of the load before is ended, with its memory: else most of what a load takes would count as idle in the next. */
async function letGoOfLast(browser: MeasuringBrowser): Promise<void> {
  await call<null>(browser, {})
  const session = await browser.page.createCDPSession()
  await session.send('HeapProfiler.collectGarbage')
  await session.detach()
  await pause(SETTLING_MS)
}

async function loadOnce(browser: MeasuringBrowser, id: string): Promise<object> {
  const { page, profile } = browser
  const load = {
    pack: { kind: 'kept', id },
    prefer: oneOf<Provider>(['webgpu', 'wasm'], values.provider, 'provider'),
    memory: 'keep',
    kernels: oneOf(KERNELS, values.kernels, 'kernels'),
  }
  await letGoOfLast(browser)
  forgetRendererPeaks(profile)
  const idle = rendererPeak(profile)
  const profiled = values.functions ? await profileWorkers(page) : null
  const before = processorOf(profile)
  const { ms, stages, device } = await call<Loaded>(browser, { load })
  const processor = spentSince(before, processorOf(profile))
  const functions = await profiled?.()
  const peak = rendererPeak(profile)
  return {
    ms,
    stages: stages.map(({ stage, at }, i) => ({ stage, ms: (stages[i + 1]?.at ?? ms) - at })),
    renderer: { idle, peak, aboveIdle: peak - idle },
    processor,
    context: device.context,
    ownKernels: device.ownKernels,
    load: loadavg()[0],
    ...(functions && { functions: Object.fromEntries(functions.slice(0, 30)) }),
  }
}

async function main(): Promise<void> {
  const size = oneOf(SIZES, values.size, 'size')
  const precision = oneOf(PRECISIONS, values.precision, 'precision')
  const folder = madeUpFolder(size, precision)
  await makeUpPack(folder, size, precision)
  const { address, close } = await serveMeasuring(PAGE, 'packs', '/packs/')
  try {
    await inMeasuringBrowser(address, values.adapter, async (browser) => {
      const card = await cardOf(browser.page)
      const { id, bytes, ms } = await keep(browser, folder)
      const kept = { bytes, ms, bytesPerSecond: (1000 * bytes) / ms }
      const about = { card, size, precision, provider: values.provider, kept }
      const loads: object[] = []
      for (let round = 0; round < Number(values.rounds); round += 1) {
        loads.push(await loadOnce(browser, id))
        // Behind each: whoever has a limit of time keeps what was measured.
        writeResult(values.out ?? resultPath(`loading-${size}`), {
          ...circumstances(browser.browser),
          ...about,
          loads,
        })
      }
    })
  } finally {
    await close()
  }
}

await main()
