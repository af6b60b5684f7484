import { availableParallelism } from 'node:os'
import react from '@vitejs/plugin-react'
import { playwright } from '@vitest/browser-playwright'
import { VitePWA } from 'vite-plugin-pwa'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { SHARE_FIELD, SHARE_PATH } from './src/shared-pictures.ts'
import { FEW_RECOMPILES, launchOptions } from './testing/browser.ts'
import { TOGETHER, TOGETHER_IN_TIME } from './testing/together.ts'
import { CONTENT_SECURITY_POLICY_HEADER, contentSecurityPolicy } from './scripts/content-security-policy.ts'

const { args, ...browser } = launchOptions()

const inNode = (
  name: string,
  files: { include: string[]; exclude?: string[]; isolate?: boolean },
): object => ({
  extends: true,
  test: {
    name,
    environment: 'node',
    ...files,
    // In the gate these give way to browsers.
    testTimeout: 180_000,
    // A hook that ran out of time leaves its tests out, which looks as if somebody had skipped them.
    hookTimeout: 180_000,
    // As in browsers, which take the machine away from these; a fault of the code fails twice.
    retry: 1,
    // Vitest alone would leave a core idle, which on two cores is half of them. One more than there are cores, since
    // tests of the command line wait for other processes most of the time.
    maxWorkers: availableParallelism() + 1,
    execArgv: [FEW_RECOMPILES],
    setupFiles: ['testing/patience.ts'],
    expect: { poll: { timeout: 30_000 } },
  },
})

const inBrowser = (name: string, include: string[]): object => ({
  extends: true,
  test: {
    name,
    include,
    testTimeout: 300_000,
    // Shaders are compiled in hooks, too, on a software adapter by the processor.
    hookTimeout: 300_000,
    // As end to end: the gate names each test that needed the second try.
    retry: 1,
    // All files in one page: ONNX Runtime is compiled once. A file opens devices of its own and puts back what it changes.
    isolate: false,
    browser: {
      enabled: true,
      headless: true,
      connectTimeout: 180_000,
      screenshotFailures: false,
      // Tests may collect garbage when it does most harm.
      provider: playwright({
        launchOptions: { ...browser, args: [...args, `--js-flags=--expose-gc ${FEW_RECOMPILES}`] },
      }),
      instances: [{ browser: 'chromium' as const }],
    },
  },
})

/** The service worker is `src/service-worker.ts`; this puts in the list of what it keeps. Updates are offered, never forced. */
const offline = VitePWA({
  strategies: 'injectManifest',
  srcDir: 'src',
  filename: 'service-worker.ts',
  registerType: 'prompt',
  injectRegister: null,
  manifest: {
    name: 'pictalk',
    short_name: 'pictalk',
    description: 'Talk about pictures with BLIP-2 on your own graphics card. Nothing leaves this device.',
    theme_color: '#0b6e5f',
    background_color: '#fbfaf7',
    display: 'standalone',
    icons: [{ src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' }],
    share_target: {
      action: `./${SHARE_PATH}`,
      method: 'POST',
      enctype: 'multipart/form-data',
      params: { files: [{ name: SHARE_FIELD, accept: ['image/*'] }] },
    },
  },
  injectManifest: {
    // `models.json` is not among them: a host may edit it after the build.
    globPatterns: ['**/*.{html,js,mjs,css,svg,wasm}', 'models/drawn-scenes*/*'],
    maximumFileSizeToCacheInBytes: 32 * 2 ** 20,
  },
})

/** As built: to compress 14 MB of WebAssembly for a browser on the same machine takes longer than to hand it over. */
const uncompressed: Plugin = {
  name: 'pictalk:uncompressed-preview',
  configurePreviewServer({ middlewares }) {
    middlewares.use((request, _response, next) => {
      delete request.headers['accept-encoding']
      next()
    })
  },
}

export default defineConfig({
  base: './',
  plugins: [react(), contentSecurityPolicy(), offline, uncompressed],
  preview: { headers: { 'Content-Security-Policy': CONTENT_SECURITY_POLICY_HEADER } },
  worker: { format: 'es' },
  // Styles in one file: those of a part that did not come would be missing after the second try, too.
  build: { target: 'es2023', sourcemap: false, cssCodeSplit: false },
  // Found before the first test asks for them: a late discovery reloads the page under test.
  optimizeDeps: {
    exclude: ['onnxruntime-web', '@jsquash/avif', '@jsquash/webp'],
    include: [
      'idb-keyval',
      'react-dom/client',
      'zustand',
      'zustand/vanilla',
      '@huggingface/tokenizers',
      '@noble/hashes/sha2.js',
      '@bufbuild/protobuf',
      'fflate',
      'i18next',
      'react-i18next',
    ],
  },
  test: {
    projects: [
      inNode('node', {
        include: ['{src,scripts,lab,testing}/**/*.test.{ts,tsx}'],
        exclude: [...TOGETHER, ...TOGETHER_IN_TIME],
      }),
      inNode('node-in-time', { include: TOGETHER_IN_TIME, isolate: false }),
      inNode('node-together', { include: TOGETHER, isolate: false }),
      inBrowser('browser', ['{src,testing}/**/*.browser-test.ts']),
      {
        extends: true,
        test: {
          name: 'kernels',
          environment: 'node',
          include: ['src/runtime/wgsl/kernels/**/*.browser-test.ts', 'testing/gpu/*.kernels-test.ts'],
          setupFiles: ['testing/gpu/dawn.ts'],
          provide: { everyShape: true },
          testTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browsers',
          environment: 'node',
          include: ['testing/**/*.browsers-test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // One browser at a time: each takes the whole machine.
          fileParallelism: false,
        },
      },
    ],
  },
})
