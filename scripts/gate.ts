/**
 * The gate. `npm run check` runs what needs no browser (format, lint, types, unit tests in Node), `npm test` everything:
 * the runtime in real Chromium and the page end to end, too. The last line says how many checks passed and failed.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { installedChromium } from '../testing/browser.ts'
import { runStages } from './gate/run.ts'
import { CHECK, GATE, REPORTS } from './gate/steps.ts'
import { summaryOf } from './gate/summary.ts'

/** Far above what it takes, and below what machines that check commits allow: there is a last line in any case. */
const LIMITS = { seconds: 20 * 60, graceSeconds: 15 }

function ensureBrowser(): void {
  if (installedChromium() !== undefined) return
  const { status } = spawnSync('npx', ['playwright', 'install', 'chromium'], {
    stdio: 'inherit',
    timeout: 180_000,
  })
  if (status !== 0) console.error('No browser: install Chromium, or name one in CHROMIUM_PATH.')
}

const quick = process.argv.includes('--check')
rmSync(REPORTS, { recursive: true, force: true })
mkdirSync(REPORTS, { recursive: true })
if (!quick) ensureBrowser()

const began = performance.now()
const finished = await runStages(quick ? CHECK : GATE, LIMITS)
const { lines, failed } = summaryOf(finished, (performance.now() - began) / 1000)
for (const line of lines) console.log(line)
process.exitCode = failed === 0 ? 0 : 1
