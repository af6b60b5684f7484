/** What measurements in Chromium share: a server, a browser of their own, its memory, and the JSON they end as. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { cpus, platform, release, tmpdir, totalmem } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { LaunchOptions, Page } from 'puppeteer-core'
import { createServer } from 'vite'
import type { KernelChoice } from '../../src/pack/device-report.ts'
import { launchOptions } from '../../testing/browser.ts'
import { launchChromium } from '../../testing/browsers/chromium.ts'
import { watchMemory, type Memory } from './browser-memory.ts'

export const KERNELS = ['never', 'auto', 'always'] as const satisfies KernelChoice[]

/** One of `known`, or an error that lists them. */
export function oneOf<T extends string>(known: readonly T[], given: string, flag: string): T {
  const found = known.find((one) => one === given)
  if (found === undefined) throw new Error(`--${flag} must be one of ${known.join(', ')}, not ${given}.`)
  return found
}

/** Workers and modules are only started with a type that says what they are. */
const TYPES: Record<string, string> = {
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
}

export interface Served {
  /** Of the server, with a slash at its end. */
  address: string
  close: () => Promise<void>
}

/** Serves the sources as Vite does, `script` as the page's module at /measure.html, and `folder` below `prefix`. */
export async function serveMeasuring(script: string, folder: string, prefix: string): Promise<Served> {
  const page = `<!doctype html><link rel="icon" href="data:," /><title>Measuring</title><script type="module">${script}</script>`
  const root = resolve(folder)
  const server = await createServer({
    server: { port: 0 },
    logLevel: 'error',
    plugins: [
      {
        name: 'measuring',
        configureServer({ middlewares }) {
          middlewares.use((request, response, next) => {
            const path = new URL(request.url ?? '/', 'http://localhost').pathname
            if (path === '/measure.html') {
              response.setHeader('content-type', 'text/html').end(page)
              return
            }
            const file = resolve(root, path.slice(prefix.length))
            if (!path.startsWith(prefix) || !file.startsWith(root + sep)) {
              next()
              return
            }
            readFile(file).then(
              (bytes) => {
                const type = TYPES[file.split('.').at(-1) ?? ''] ?? 'application/octet-stream'
                response.setHeader('content-type', type).setHeader('content-length', bytes.length).end(bytes)
              },
              () => response.writeHead(404).end(),
            )
          })
        },
      },
    ],
  })
  await server.listen()
  const [address = ''] = server.resolvedUrls?.local ?? []
  return { address, close: () => server.close() }
}

export interface MeasuringBrowser {
  page: Page
  browser: string
  memory: ReturnType<typeof watchMemory>
  /** Before anything was started on the page. Megabytes. */
  idle: Memory
  /** Where the browser's profile lies, by which its processes are known. */
  profile: string
}

/** Further flags of Chromium, with spaces between them: what a card needs, say `--use-angle=vulkan`. */
export const CHROMIUM_FLAGS = 'PICTALK_CHROMIUM_FLAGS'

/** How long a page that has loaded is left alone before its memory counts as idle. */
const SETTLING_MS = 1500

/**
 * Nobody listens to the network: where somebody does, as Playwright always, Chromium tells of each piece of a body and the
 * page's process may keep bodies for whoever might ask. That is three quarters of what a page pays for a download.
 */
export const UNWATCHED: LaunchOptions = {
  networkEnabled: false,
  protocolTimeout: 0,
  // Shaders take as long to compile as people's: for tests they are made easy.
  ignoreDefaultArgs: flagsOfTests('--disable-dawn-features'),
}
const ON_OWN_ADAPTER: LaunchOptions = {
  ...UNWATCHED,
  ignoreDefaultArgs: flagsOfTests('--disable-dawn-features', '--use-webgpu-adapter'),
}

/** What tests start Chromium with that begins so. */
function flagsOfTests(...beginnings: string[]): string[] {
  return launchOptions().args.filter((arg) => beginnings.some((beginning) => arg.startsWith(beginning)))
}

/** A browser with a profile of its own on /measure.html, closed behind `work`. `adapter`: the software one, or the machine's own. */
export async function inMeasuringBrowser<T>(
  address: string,
  adapter: string,
  work: (browser: MeasuringBrowser) => Promise<T>,
): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), 'pictalk-measuring-'))
  const flags = process.env[CHROMIUM_FLAGS]?.split(' ').filter(Boolean) ?? []
  const browser = await launchChromium(profile, adapter === 'software' ? UNWATCHED : ON_OWN_ADAPTER, flags)
  const memory = watchMemory(profile)
  try {
    const [page = await browser.newPage()] = await browser.pages()
    // However long Vite takes to transform everything for the first time, on a machine that is busy.
    page.setDefaultTimeout(0)
    await page.goto(new URL('/measure.html', address).href)
    await page.waitForFunction(() => 'measure' in globalThis)
    await pause(SETTLING_MS)
    if (adapter !== 'software') await adapterOf(page)
    const idle = { ...memory.peak, byType: { ...memory.peak.byType } }
    memory.reset()
    const version = (await browser.version()).replace(/^\w*Chrom\w*\//, 'Chromium ')
    return await work({ page, browser: version, memory, idle, profile })
  } finally {
    memory.stop()
    await browser.close()
    rmSync(profile, { recursive: true, force: true })
  }
}

/** Waits for an adapter: a browser that has just begun gives none. Where there is none at all, measuring says so. */
async function adapterOf(page: Page): Promise<void> {
  const given = async (): Promise<boolean> => (await navigator.gpu.requestAdapter()) !== null
  await page.waitForFunction(given, { polling: 500, timeout: 15_000 }).catch(() => undefined)
}

/**
 * For the beginning of a page's script: `keepPack` has the page's own keeper take a model in, in a thread that ends behind
 * it. Gives the id that it is kept under, its bytes, and milliseconds.
 */
export const KEEP_PACK = `
  import { connect } from '/src/protocol/rpc.ts'
  async function keepPack(adding) {
    const worker = new Worker('/src/keeper/keeper.worker.ts', { type: 'module' })
    const began = performance.now()
    const { id, bytes } = await connect(worker).call('add', adding)
    const ms = performance.now() - began
    worker.terminate()
    return { id, bytes, ms }
  }
`

/** What the page's `measure` gives for `input`. `T` is what that page's script says. */
export async function call<T>({ page }: Pick<MeasuringBrowser, 'page'>, input: object): Promise<T> {
  return (await page.evaluate(
    (request) => (globalThis as unknown as { measure: (input: object) => Promise<unknown> }).measure(request),
    input,
  )) as T
}

/** What the adapter that WebGPU gives a page calls itself; null where there is none. */
export function cardOf(page: Page): Promise<string | null> {
  return page.evaluate(async () => {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' })
    if (adapter === null) return null
    const { vendor, architecture, device, description } = adapter.info
    return description || [vendor, architecture, device].filter(Boolean).join(' ')
  })
}

/** What of this machine a result depends on, and the day. */
export function circumstances(browser: string): object {
  return {
    measured: new Date().toISOString().slice(0, 10),
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      system: `${platform()} ${release()}`,
      browser,
    },
  }
}

/** Where a result of this name belongs. */
export function resultPath(name: string): string {
  return join('bench', 'results', `${name.replace(/[^\w]+/g, '-').toLowerCase()}.json`)
}

/** Writes a result and prints it. */
export function writeResult(path: string, report: object): void {
  const text = JSON.stringify(report, rounded, 2)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${text}\n`)
  console.log(text)
  console.error(`written to ${path}`)
}

/** Four significant digits of what is no whole number. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value
}
