/**
 * How fast Chromium takes models in: a made-up checkpoint of published widths is converted into IndexedDB as on the page,
 * then the same pack, converted here, is downloaded into it. Servers are on this machine, so they share its cores.
 *   npx tsx lab/speed/keeping.ts [--layers 4,4,4] [--precisions q4f16,q8,fp16] [--rounds 1] [--what convert,download,store]
 *     [--functions] [--out <file>]
 * `store` writes chunks of noise into IndexedDB as downloads do, without network and hashes: no download is faster than that.
 * Prints megabytes a second, of the checkpoint as read and of the pack, the machine's load, and the processor's time by
 * thread: on a busy machine that alone says something. `--functions` adds what the functions of the keeper's thread take,
 * during which a profiler runs; `--out` writes the last of each as JSON.
 */
import { existsSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { folderSink } from '../../src/cli/files.ts'
import { servePack } from '../../src/cli/serve.ts'
import { convertCheckpoint } from '../../src/convert/convert.ts'
import { CHUNK_BYTES } from '../../src/pack/chunks.ts'
import { MANIFEST_PATH } from '../../src/pack/manifest.ts'
import { PRECISIONS, type Precision } from '../../src/pack/precisions.ts'
import type { AddRequest } from '../../src/protocol/keeper-calls.ts'
import { checkpointOf } from '../../src/synthetic/checkpoint.ts'
import { publishedConfig } from '../../src/synthetic/published.ts'
import { startSyntheticHub } from '../../testing/servers/synthetic-hub.ts'
import { processorOf, spentSince, type Processor } from './browser-processor.ts'
import { call, circumstances, inMeasuringBrowser, serveMeasuring, writeResult } from './measuring-page.ts'
import { profileWorkers } from './worker-profile.ts'

const { values } = parseArgs({
  options: {
    layers: { type: 'string', default: '4,4,4' },
    precisions: { type: 'string', default: 'q4f16,q8,fp16' },
    rounds: { type: 'string', default: '1' },
    what: { type: 'string', default: 'convert,download,store' },
    functions: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})

const [vision = 4, qFormer = 4, text = 4] = values.layers.split(',').map(Number)
const LAYERS = { vision, qFormer, text }
const REPOSITORY = 'made-up/blip2-opt-2.7b'

/** The keeper is the page's own, and so is all that it does. */
const PAGE = `
  import { connect } from '/src/protocol/rpc.ts'
  import { inLanes } from '/src/pack/lanes.ts'
  import { indexedDbTable } from '/src/store/indexed-db.ts'
  async function store({ chunks, chunkBytes, lanes }) {
    const table = indexedDbTable('measured-chunks')
    const noise = new Uint8Array(chunkBytes)
    // As much as a browser gives at once.
    for (let at = 0; at < chunkBytes; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536))
    const names = Array.from({ length: chunks }, (_, i) => String(i))
    const began = performance.now()
    await inLanes(names, { lanes, signal: new AbortController().signal }, (name) => table.set(name, new Blob([noise])))
    const seconds = (performance.now() - began) / 1000
    await table.remove(names)
    return { seconds, read: chunks * chunkBytes, bytes: chunks * chunkBytes }
  }
  globalThis.measure = async (request) => {
    if ('store' in request) return store(request.store)
    const keeper = connect(new Worker('/src/keeper/keeper.worker.ts', { type: 'module' }))
    const began = performance.now()
    let read = 0
    const { id, bytes } = await keeper.call('add', request, { onEvent: ({ totalBytes }) => (read = totalBytes) })
    const seconds = (performance.now() - began) / 1000
    await keeper.call('remove', { id })
    return { seconds, read, bytes }
  }
`

interface Taken {
  seconds: number
  /** Bytes that were read. */
  read: number
  /** Bytes that were kept. */
  bytes: number
}

interface StoreRequest {
  store: { chunks: number; chunkBytes: number; lanes: number }
}

/** As downloads have it : 128 chunks, four at a time (`store/download`). */
const STORED: StoreRequest = { store: { chunks: 128, chunkBytes: CHUNK_BYTES, lanes: 4 } }

type Measure = (request: AddRequest | StoreRequest) => Promise<Taken & { processor: Processor }>

/** The last of each, by what was done. */
const results: Record<string, object> = {}

async function report(what: string, measure: Measure, request: Parameters<Measure>[0]): Promise<void> {
  const precision = 'precision' in request ? request.precision : null
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const { seconds, read, bytes, processor } = await measure(request)
    const rate = (count: number): number => count / seconds / 1e6
    const speed = (count: number): string => `${rate(count).toFixed(0)} MB/s`
    results[what] = {
      precision,
      seconds,
      readMegabytesPerSecond: rate(read),
      keptMegabytesPerSecond: rate(bytes),
      processor,
      load: loadavg()[0],
    }
    if (values.out !== undefined) writeResult(values.out, { ...circumstances('Chromium'), ...results })
    const all = Object.values(processor).reduce((sum, spent) => sum + spent, 0)
    console.log(
      `${what} ${precision ?? 'noise'}: ${seconds.toFixed(1)} s, read ${speed(read)}, kept ${speed(bytes)}, ` +
        `${all.toFixed(1)} s of processor (${(read / all / 1e6).toFixed(0)} MB read a second of it), load ${loadavg()[0]?.toFixed(1)}`,
    )
    const most = Object.entries(processor).sort(([, one], [, other]) => other - one)
    for (const [thread, spent] of most.slice(0, SHOWN_THREADS))
      console.log(`  ${thread}: ${((1e9 * spent) / read).toFixed(2)} ms of processor a MB read`)
  }
}

const SHOWN_THREADS = 12
const SHOWN_FUNCTIONS = 24

/** The pack of this checkpoint under `packs/`, which Git ignores; made when it is not there yet. */
async function packFolder(precision: Precision): Promise<string> {
  const folder = join('packs', `keeping-${values.layers}-${precision}`)
  if (existsSync(join(folder, MANIFEST_PATH))) return folder
  const tree = checkpointOf(JSON.stringify(publishedConfig('opt-2.7b', LAYERS)), 1)
  await convertCheckpoint(tree, folderSink(folder), { precision, name: 'made up' })
  return folder
}

async function measureAll(measure: Measure): Promise<void> {
  if (values.what.includes('store')) await report('stored', measure, STORED)
  const asked = PRECISIONS.filter((precision) => values.precisions.split(',').includes(precision))
  for (const precision of asked) {
    const common = { precision, token: null }
    if (values.what.includes('convert')) {
      const hub = await startSyntheticHub(REPOSITORY, LAYERS)
      const source = { kind: 'address', text: REPOSITORY } as const
      await report('converted', measure, { ...common, source, hub: hub.url })
      await hub.close()
    }
    if (values.what.includes('download')) {
      const server = await servePack(await packFolder(precision), { port: 0, host: '127.0.0.1' })
      const source = { kind: 'address', text: server.url } as const
      await report('downloaded', measure, { ...common, source, hub: server.url })
      await server.close()
    }
  }
}

const { address, close } = await serveMeasuring(PAGE, 'packs', '/packs/')
try {
  await inMeasuringBrowser(address, 'software', async ({ page, profile }) => {
    await measureAll(async (request) => {
      const profiled = values.functions ? await profileWorkers(page) : null
      const before = processorOf(profile)
      const taken = await call<Taken>({ page }, request)
      const processor = spentSince(before, processorOf(profile))
      for (const [place, ms] of ((await profiled?.()) ?? []).slice(0, SHOWN_FUNCTIONS))
        console.log(`  ${((1e6 * ms) / taken.read).toFixed(2)} ms a MB read: ${place}`)
      return { ...taken, processor }
    })
  })
} finally {
  await close()
}
