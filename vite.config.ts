import react from '@vitejs/plugin-react'
import { playwright } from '@vitest/browser-playwright'
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

export default defineConfig({
  base: './',
  plugins: [react()],
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
