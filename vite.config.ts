import react from '@vitejs/plugin-react'
import { playwright } from '@vitest/browser-playwright'
import { VitePWA } from 'vite-plugin-pwa'
import { defineConfig } from 'vitest/config'
import { launchOptions } from './scripts/browser.ts'

const inBrowser = (name: string, include: string[]): object => ({
  extends: true,
  test: {
    name,
    include,
    testTimeout: 300_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: launchOptions() }),
      instances: [{ browser: 'chromium' as const }],
    },
  },
})

/**
 * The page, its scripts and the built-in model are kept for use without a network as soon as they were visited once.
 * Of ONNX Runtime's builds only the one that this browser runs is kept, by the page itself (`main.tsx`): all of them
 * would be 58 MB. Updates are offered, never forced.
 */
const offline = VitePWA({
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
  },
  workbox: {
    globPatterns: ['**/*.{html,js,mjs,css,svg,webmanifest}', 'models/drawn-scenes/*'],
    maximumFileSizeToCacheInBytes: 8 * 2 ** 20,
    // Models other than the built-in one, and wasm, are too large for a list that every visitor fetches.
    runtimeCaching: [
      {
        urlPattern: ({ url, sameOrigin }) => sameOrigin && url.pathname.endsWith('.wasm'),
        handler: 'CacheFirst',
        options: { cacheName: 'pictalk-runtime', expiration: { maxEntries: 4 } },
      },
    ],
    cleanupOutdatedCaches: true,
  },
})

export default defineConfig({
  base: './',
  plugins: [react(), offline],
  worker: { format: 'es' },
  build: { target: 'es2023', sourcemap: false },
  // Found before the first test asks for them: a late discovery reloads the page under test.
  optimizeDeps: {
    exclude: ['onnxruntime-web'],
    include: [
      'idb-keyval',
      'react-dom/client',
      'zustand',
      'zustand/vanilla',
      '@huggingface/tokenizers',
      '@bufbuild/protobuf',
      'image-size',
    ],
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: ['src/**/*.test.{ts,tsx}', 'scripts/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      inBrowser('browser', ['src/**/*.browser-test.ts']),
    ],
  },
})
