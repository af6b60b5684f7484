/** Which Chromium the tests use: an installed one when there is one, else the one that Playwright brings. */
import { existsSync } from 'node:fs'

const INSTALLED = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Path of an installed browser (`CHROMIUM_PATH` wins), or undefined: then Playwright's own is used. */
export function installedChromium(): string | undefined {
  const named = process.env['CHROMIUM_PATH']
  return [...(named ? [named] : []), ...INSTALLED].find((path) => existsSync(path))
}

/**
 * What Chromium is told to leave out. Of several such switches the last one counts, so what Playwright leaves out for
 * tests to be dependable is in the list, too. New here are two hidden pages behind the address bar of each new window:
 * they take an eighth of the processor's time of a short test, and nobody sees the address bar.
 */
const DISABLED_FEATURES = [
  ...['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup'],
  ...['AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose', 'HttpsUpgrades'],
  ...['HttpsFirstBalancedModeAutoEnable', 'LensOverlay', 'MediaRouter', 'PaintHolding'],
  ...['ThirdPartyStoragePartitioning', 'AvoidCorsURLLoaderRestartOnRedirect', 'OptimizationHints'],
  ...['NetworkTimeServiceQuerying', 'AimEnabled', 'PreconnectToSearch'],
]

/**
 * For what lives for seconds: V8 compiles a function of WebAssembly anew, for speed, after a hundred times as much work in
 * it as usual, which is a third of the processor time of a process that answers a question about a small model. Not for
 * what is timed.
 */
export const FEW_RECOMPILES = '--wasm-tiering-budget=200000000'
export const SHORT_LIVED = `--js-flags=${FEW_RECOMPILES}`

/**
 * Has Dawn zero a shader's shared memory by a loop, as it does for drivers that cannot do it themselves. The software adapter
 * can, by one store for each word, which it then compiles: ten times as long as all else in a shader of ONNX Runtime.
 */
export const ZERO_BY_LOOP = 'use_vulkan_zero_initialize_workgroup_memory_extension'

interface Launch {
  executablePath?: string
  channel?: string
  args: string[]
}

/**
 * Headless Chromium with WebGPU on its software adapter, so that results do not depend on the machine's GPU.
 * The headless shell has no WebGPU, hence the `chromium` channel. `without` names further features to leave out.
 */
export function launchOptions({ without = [] }: { without?: string[] } = {}): Launch {
  const executablePath = installedChromium()
  const root = process.getuid?.() === 0
  return {
    ...(executablePath ? { executablePath } : { channel: 'chromium' }),
    args: [
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      `--disable-dawn-features=${ZERO_BY_LOOP}`,
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      `--disable-features=${[...DISABLED_FEATURES, ...without].join(',')}`,
      ...(root ? ['--no-sandbox'] : []),
    ],
  }
}
