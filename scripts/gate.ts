/**
 * The whole gate, as `npm test` runs it: format, lint, types, unit tests in Node, runtime tests and the page in real
 * Chromium. Every step runs even when an earlier one failed; the last line says how many checks passed and failed.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { installedChromium } from './browser.ts'

interface Counts {
  passed: number
  failed: number
}

interface Step {
  name: string
  command: string[]
  /** Where the step leaves its JSON report; a step without one counts as a single check. */
  report?: { path: string; count: (json: unknown) => Counts }
}

const REPORTS = 'test-results'

function vitest(project: string): Step {
  const path = `${REPORTS}/${project}.json`
  const command = [
    'npx',
    'vitest',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${path}`,
  ]
  return { name: `${project} tests`, command, report: { path, count: countVitest } }
}

const STEPS: Step[] = [
  { name: 'format', command: ['npm', 'run', '--silent', 'format:check'] },
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'types', command: ['npm', 'run', '--silent', 'types'] },
  vitest('node'),
  vitest('browser'),
  {
    name: 'end-to-end tests',
    command: ['npx', 'playwright', 'test'],
    report: { path: `${REPORTS}/e2e.json`, count: countPlaywright },
  },
]

function countVitest(json: unknown): Counts {
  const { numPassedTests, numFailedTests } = json as { numPassedTests: number; numFailedTests: number }
  return { passed: numPassedTests, failed: numFailedTests }
}

function countPlaywright(json: unknown): Counts {
  const { stats } = json as { stats: { expected: number; unexpected: number; flaky: number } }
  return { passed: stats.expected, failed: stats.unexpected + stats.flaky }
}

function run({ name, command, report }: Step): Counts {
  console.log(`\n== ${name}`)
  const [program = '', ...args] = command
  const started = Date.now()
  const { status } = spawnSync(program, args, { stdio: 'inherit' })
  console.log(
    `== ${name}: ${status === 0 ? 'ok' : 'FAILED'} after ${((Date.now() - started) / 1000).toFixed(0)} s`,
  )
  const counts = report === undefined ? { passed: 1, failed: 0 } : readReport(report)
  // A step that fails without naming a failed test (it crashed, or an error lay outside a test) is a failure too.
  return status === 0
    ? counts
    : { passed: report === undefined ? 0 : counts.passed, failed: Math.max(1, counts.failed) }
}

function readReport({ path, count }: NonNullable<Step['report']>): Counts {
  try {
    return count(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return { passed: 0, failed: 1 }
  }
}

function ensureBrowser(): void {
  if (installedChromium() !== undefined) return
  const { status } = spawnSync('npx', ['playwright', 'install', 'chromium'], { stdio: 'inherit' })
  if (status !== 0) console.error('No browser: install Chromium, or name one in CHROMIUM_PATH.')
}

rmSync(REPORTS, { recursive: true, force: true })
mkdirSync(REPORTS, { recursive: true })
ensureBrowser()
const total = STEPS.map(run).reduce((sum, { passed, failed }) => ({
  passed: sum.passed + passed,
  failed: sum.failed + failed,
}))
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1
