/**
 * Our decoder beside transformers.js (its own OPT path and generation loop) in one browser, on the same adapter and
 * the same weights:
 *   npm install --prefix packs/transformers --ignore-scripts @huggingface/transformers@4.3.1
 *   npx tsx scripts/side-by-side.ts [--size mini] [--tokens 12] [--adapter software|default] [--rounds 3]
 * Rounds alternate, so that a machine that is busy with something else is busy for both. Prints JSON.
 */
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from '@playwright/test'
import { build } from 'esbuild'
import { createServer, type Plugin } from 'vite'
import { folderSink } from '../src/cli/files.ts'
import { parseBlip2Config } from '../src/convert/blip2-config.ts'
import { convertBlip2 } from '../src/convert/convert.ts'
import { syntheticTree } from '../src/synthetic/checkpoint.ts'
import { configOf, SIZES } from '../src/synthetic/dimensions.ts'
import type { BenchResult } from '../src/protocol/bench-result.ts'
import { launchOptions } from './browser.ts'
import { watchMemory } from './browser-memory.ts'
import { exporterGraph } from './side-by-side/exporter-graph.ts'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'mini' },
    tokens: { type: 'string', default: '12' },
    rounds: { type: 'string', default: '3' },
    adapter: { type: 'string', default: 'software' },
    transformers: { type: 'string', default: 'packs/transformers' },
  },
})
const QUERIES = 32
const PROMPT_TOKENS = 8
const PRECISION = 'q4'

/** The pack, and beside it the same weights as transformers.js wants them. */
async function prepare(folder: string): Promise<number> {
  const size = SIZES.find((one) => one === values.size)
  if (size === undefined) throw new Error(`--size must be one of ${SIZES.join(', ')}.`)
  const pack = join(folder, 'pack')
  await convertBlip2(syntheticTree(size, 1), folderSink(pack), {
    precision: PRECISION,
    name: `synthetic ${size}`,
  })
  const config = parseBlip2Config(configOf(size))
  const { text } = config
  const model = join(folder, 'exporter')
  mkdirSync(join(model, 'onnx'), { recursive: true })
  const data = 'model_q4.onnx_data'
  writeFileSync(join(model, 'onnx', 'model_q4.onnx'), exporterGraph(config, PRECISION, data))
  linkSync(join(pack, 'decoder.weights'), join(model, 'onnx', data))
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
    entryPoints: ['scripts/side-by-side/transformers.worker.ts'],
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
  return text.vocabulary
}

const PAGE = `<!doctype html><link rel="icon" href="data:," /><title>Measuring</title><script type="module">
  import { connect } from '/src/protocol/rpc.ts'
  globalThis.ours = async (input) => {
    const worker = new Worker('/src/workers/measure.worker.ts', { type: 'module' })
    const result = await connect(worker).call('measure', input)
    worker.terminate()
    return result
  }
  globalThis.theirs = (input) => new Promise((resolve, reject) => {
    const worker = new Worker('/side/transformers.worker.js', { type: 'module' })
    worker.onerror = (event) => reject(new Error(event.message))
    worker.onmessage = ({ data }) => {
      worker.terminate()
      if (data.error) reject(new Error(data.error))
      else resolve(data.result)
    }
    worker.postMessage(input)
  })
</script>`

function serving(folder: string): Plugin {
  const types: Record<string, string> = {
    js: 'text/javascript',
    mjs: 'text/javascript',
    wasm: 'application/wasm',
  }
  return {
    name: 'side-by-side',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const path = new URL(request.url ?? '/', 'http://localhost').pathname
        if (path === '/measure.html') {
          response.setHeader('content-type', 'text/html').end(PAGE)
          return
        }
        const file = resolve(folder, path.slice('/side/'.length))
        if (!path.startsWith('/side/') || !file.startsWith(resolve(folder) + sep)) {
          next()
          return
        }
        readFile(file).then(
          (bytes) => {
            const type = types[file.split('.').at(-1) ?? ''] ?? 'application/octet-stream'
            response.setHeader('content-type', type).setHeader('content-length', bytes.length).end(bytes)
          },
          () => response.writeHead(404).end(),
        )
      })
    },
  }
}

type Measuring = Record<'ours' | 'theirs', (input: object) => Promise<unknown>>

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pictalk-side-'))
  const vocabulary = await prepare(folder)
  const server = await createServer({ server: { port: 0 }, plugins: [serving(folder)], logLevel: 'error' })
  await server.listen()
  const [address = ''] = server.resolvedUrls?.local ?? []
  const tokens = Number(values.tokens)
  const measureOnce = async (who: 'ours' | 'theirs', input: object): Promise<object> => {
    const profile = mkdtempSync(join(tmpdir(), 'pictalk-side-profile-'))
    const launch = launchOptions()
    const args = launch.args.filter(
      (arg) => values.adapter === 'software' || !arg.includes('use-webgpu-adapter'),
    )
    const context = await chromium.launchPersistentContext(profile, { ...launch, args })
    const memory = watchMemory(profile)
    try {
      const page = context.pages()[0] ?? (await context.newPage())
      page.setDefaultTimeout(0)
      await page.goto(new URL('/measure.html', address).href)
      await page.waitForFunction(() => 'theirs' in globalThis)
      await page.waitForTimeout(1000)
      const idle = memory.peak.byType['renderer'] ?? 0
      const run = page.evaluate(([name, request]) => (globalThis as unknown as Measuring)[name](request), [
        who,
        input,
      ] as const)
      const result = (await run) as object
      return { ...result, rendererAboveIdle: (memory.peak.byType['renderer'] ?? 0) - idle }
    } finally {
      memory.stop()
      await context.close()
      rmSync(profile, { recursive: true, force: true })
    }
  }
  const rounds = []
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const ours = (await measureOnce('ours', {
      pack: { kind: 'web', url: new URL('/side/pack/', address).href },
      prefer: 'webgpu',
      tokens,
      promptTokens: PROMPT_TOKENS,
    })) as BenchResult & { rendererAboveIdle: number }
    const theirs = await measureOnce('theirs', {
      base: new URL('/side/', address).href,
      tokens,
      promptTokens: QUERIES + PROMPT_TOKENS,
      vocabulary,
    })
    const { decode, prefill, load, rendererAboveIdle, memory } = ours
    rounds.push({
      ours: { decode, prefillMs: prefill.ms, loadMs: load.sessions.decoder, rendererAboveIdle, memory },
      theirs,
    })
    console.log(JSON.stringify(rounds.at(-1)))
  }
  await server.close()
  const version = JSON.parse(
    readFileSync(join(values.transformers, 'node_modules/@huggingface/transformers/package.json'), 'utf8'),
  ) as { version: string }
  console.log(JSON.stringify({ size: values.size, transformers: version.version, rounds }, null, 2))
  rmSync(folder, { recursive: true, force: true })
}

await main()
