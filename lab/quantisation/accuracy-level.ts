/**
 * What `accuracy_level` of `MatMulNBits` does to speed and answers:
 *   npx tsx lab/quantisation/accuracy-level.ts [--scenes 200] [--sizes mini] [--parts products,decoders,answers]
 * Products and decoders run in Chromium on the software adapter, with the `subgroups` feature and without; errors are
 * relative to level 0 with the same features. Answers are those of the built-in model at q4 on WebAssembly.
 */
import { parseArgs } from 'node:util'
import { chromium, type Page } from '@playwright/test'
import { createServer } from 'vite'
import { folderTree } from '../../src/cli/files.ts'
import { readModel } from '../../src/convert/families/families.ts'
import { convertCheckpoint } from '../../src/convert/convert.ts'
import type { AccuracyLevel } from '../../src/convert/onnx/graph-builder.ts'
import { planConversion } from '../../src/convert/plan.ts'
import { readText, sinkInMemory } from '../../src/pack/bytes.ts'
import { packInMemory } from '../../testing/parity/reference.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import type { TalkingModel } from '../../src/runtime/models/model.ts'
import { tracedFloats, traceStages } from '../../src/runtime/models/trace.ts'
import { openCompute } from '../../src/runtime/device/compute.ts'
import { judgeCaption } from '../../src/scenes/judge.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../../src/scenes/scene.ts'
import { SIZES } from '../../src/synthetic/dimensions.ts'
import type * as PageModule from './accuracy-level/page.ts'
import { launchOptions } from '../../scripts/browser.ts'
import { captionOf, pixelsOf } from '../built-in-model/captions.ts'
import { relativeError } from './plain-rounding.ts'

const { values } = parseArgs({
  options: {
    scenes: { type: 'string', default: '200' },
    sizes: { type: 'string', default: 'mini' },
    parts: { type: 'string', default: 'products,decoders,answers' },
    checkpoint: { type: 'string', default: 'models/drawn-scenes/checkpoint' },
  },
})

type Setting = PageModule.Setting
type Measured = PageModule.Measured

const PAGE = `<!doctype html><link rel="icon" href="data:," /><script type="module">
  globalThis.page = await import('/lab/quantisation/accuracy-level/page.ts')
</script>`

async function inChromium(work: (page: Page) => Promise<void>): Promise<void> {
  const server = await createServer({
    server: { port: 0 },
    logLevel: 'error',
    plugins: [
      {
        name: 'accuracy-level',
        configureServer({ middlewares }) {
          middlewares.use((request, response, next) => {
            if (request.url === '/level.html') response.setHeader('content-type', 'text/html').end(PAGE)
            else next()
          })
        },
      },
    ],
  })
  await server.listen()
  const browser = await chromium.launch(launchOptions())
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(0)
    page.on('pageerror', (error) => console.error(error))
    await page.goto(new URL('/level.html', server.resolvedUrls?.local[0]).href)
    await page.waitForFunction(() => 'page' in globalThis)
    await work(page)
  } finally {
    await browser.close()
    await server.close()
  }
}

function call(page: Page, name: 'product' | 'decoder', ...input: unknown[]): Promise<Measured> {
  return page.evaluate(
    ({ name, input }) => {
      const { page } = globalThis as unknown as {
        page: Record<string, (...input: unknown[]) => Promise<unknown>>
      }
      return page[name]?.(...input)
    },
    { name, input },
  ) as Promise<Measured>
}

const SETTINGS: Setting[] = [
  { level: 0, subgroups: false },
  { level: 4, subgroups: false },
  { level: 0, subgroups: true },
  { level: 4, subgroups: true },
]

/** One line for each setting; `run` measures it. */
async function lines(title: string, run: (setting: Setting) => Promise<Measured>): Promise<void> {
  const exact = new Map<boolean, Measured>()
  for (const setting of SETTINGS) {
    const { level, subgroups } = setting
    const measured = await run(setting)
    if (level === 0) exact.set(subgroups, measured)
    const reference = exact.get(subgroups) ?? measured
    const error = relativeError(Float32Array.from(reference.values), Float32Array.from(measured.values))
    const cells = [
      title,
      subgroups ? 'yes' : 'no',
      level,
      measured.ms.toPrecision(3),
      (reference.ms / measured.ms).toFixed(2),
      level === 0 ? '' : error.toPrecision(2),
      measured.programs.join(', '),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

/** The built-in model at q4 whose graphs have another `accuracy_level`. */
async function builtIn(level: AccuracyLevel): Promise<TalkingModel> {
  const tree = folderTree(values.checkpoint)
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(tree, sinkInMemory(files), { precision: 'q4', name: 'level' })
  const plan = planConversion(readModel((await readText(tree, 'config.json')) ?? ''), 'q4', level)
  for (const { path, bytes } of plan.graphs) files.set(path, bytes)
  const pack = packInMemory(files)
  const graphs = new Map(plan.graphs.map(({ path, bytes }) => [path, bytes]))
  const file: typeof pack.file = async (path) => graphs.get(path) ?? pack.file(path)
  return openTalkingModel({ ...pack, file }, await openCompute('wasm'))
}

async function answers(): Promise<void> {
  console.log('\n| level | logits | captions as at level 0 | captions right | ms per caption |')
  console.log('| --- | --- | --- | --- | --- |')
  const count = Number(values.scenes)
  const texts: string[] = []
  const logits: Float32Array[] = []
  for (const level of [0, 4] as const) {
    const model = await builtIn(level)
    let [same, right, ms, error] = [0, 0, 0, 0]
    for (let i = 0; i < count; i += 1) {
      const scene = makeScene(FIRST_HELD_OUT_SEED + i)
      const pixels = await pixelsOf(scene, model)
      const started = performance.now()
      const { text } = await captionOf(model, pixels)
      ms += performance.now() - started
      const stages = await traceStages(model, pixels, model.talk.promptIds(''), [])
      const own = tracedFloats(stages, 'logits')
      if (level === 0) {
        texts.push(text)
        logits.push(own)
      }
      error += relativeError(logits[i] ?? own, own) ** 2
      same += text === texts[i] ? 1 : 0
      right += judgeCaption(text, scene).right ? 1 : 0
    }
    await model.dispose()
    const share = (part: number): string => `${((100 * part) / count).toFixed(1)} %`
    const cells = [
      level,
      Math.sqrt(error / count).toPrecision(2),
      share(same),
      share(right),
      (ms / count).toFixed(0),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

const parts = new Set(values.parts.split(','))
if (parts.has('products') || parts.has('decoders')) {
  console.log('| what | subgroups | level | ms | speed | error | programs |')
  console.log('| --- | --- | --- | --- | --- | --- | --- |')
  await inChromium(async (page) => {
    for (const rows of parts.has('products') ? [1, 257] : []) {
      const shape = { rows, inputs: 2560, outputs: 2560, times: rows === 1 ? 9 : 3 }
      await lines(`${rows} × 2560 × 2560`, (setting) => call(page, 'product', setting, shape))
    }
    for (const name of parts.has('decoders') ? values.sizes.split(',') : []) {
      const size = SIZES.find((one) => one === name)
      if (size === undefined) throw new Error(`--sizes may be ${SIZES.join(', ')}.`)
      await lines(`token, ${size}`, (setting) => call(page, 'decoder', setting, size, 5))
    }
  })
}
if (parts.has('answers')) await answers()
