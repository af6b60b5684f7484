import { defineConfig, devices } from '@playwright/test'
import { launchOptions, SHORT_LIVED } from './testing/browser.ts'

const { args, ...browser } = launchOptions()

// Any port below those that systems give away, so that two checkouts can be tested side by side; the environment carries it
// to the test processes.
process.env['PICTALK_PORT'] ??= String(20_000 + Math.floor(Math.random() * 12_000))
const PORT = Number(process.env['PICTALK_PORT'])

/** End to end: the built app, served as any static host would, in Chromium with WebGPU on a software adapter. */
export default defineConfig({
  testDir: 'e2e',
  // Emptied before each run: the reports of other steps lie beside it.
  outputDir: 'test-results/e2e',
  // What is expected comes within the time below or fails there; a test is many such waits.
  timeout: 180_000,
  expect: { timeout: 120_000 },
  // Every test has a browser context of its own, servers of its own, and shares nothing but the built page.
  fullyParallel: true,
  workers: 2,
  // What a machine does to a test once is not the page's fault; the gate names each test that needed the second try.
  retries: 1,
  forbidOnly: true,
  reporter: [['list'], ['json', { outputFile: 'test-results/e2e.json' }]],
  use: {
    baseURL: `http://localhost:${PORT}`,
    launchOptions: { ...browser, args: [...args, SHORT_LIVED] },
    trace: 'off',
    // Each test begins with an empty browser, which would fetch everything for offline use; offline.spec.ts brings its own.
    serviceWorkers: 'block',
  },
  webServer: {
    command: `npx vite build && npx vite preview --port ${PORT} --strictPort`,
    url: `http://localhost:${PORT}`,
    reuseExistingServer: false,
    timeout: 240_000,
  },
  projects: [
    { name: 'desktop', use: { viewport: { width: 1280, height: 800 } } },
    {
      name: 'phone',
      testMatch: /accessibility|built-in-model|caption/,
      use: { viewport: { width: 393, height: 851 }, hasTouch: true, userAgent: devices['Pixel 7'].userAgent },
    },
  ],
})
