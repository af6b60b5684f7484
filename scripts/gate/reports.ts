/** What the test runners leave behind in their JSON reports: how many checks there were, and how long each took. */
import { readFileSync } from 'node:fs'

export interface Counts {
  passed: number
  failed: number
  skipped: number
}

export interface TimedTest {
  title: string
  seconds: number
}

export interface Report extends Counts {
  tests: TimedTest[]
}

/** Turns a runner's JSON into a report. Throws what parsing or an unknown shape throws. */
export type ReadReport = (json: string) => Report

interface VitestJson {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { name: string; assertionResults: { fullName: string; duration?: number | null }[] }[]
}

/** The report of `vitest --reporter=json`. */
export function readVitestReport(json: string): Report {
  const report = JSON.parse(json) as VitestJson
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
    tests: report.testResults.flatMap(({ assertionResults }) =>
      assertionResults.map(({ fullName, duration }) => ({
        title: fullName,
        seconds: (duration ?? 0) / 1000,
      })),
    ),
  }
}

interface PlaywrightSuite {
  suites?: PlaywrightSuite[]
  specs?: { title: string; tests: { projectName: string; results: { duration: number }[] }[] }[]
}

interface PlaywrightJson {
  stats: { expected: number; unexpected: number; flaky: number; skipped: number }
  suites: PlaywrightSuite[]
}

/** The report of Playwright's JSON reporter. A test that passed only at the second try counts as failed. */
export function readPlaywrightReport(json: string): Report {
  const { stats, suites } = JSON.parse(json) as PlaywrightJson
  return {
    passed: stats.expected,
    failed: stats.unexpected + stats.flaky,
    skipped: stats.skipped,
    tests: suites.flatMap(testsOf),
  }
}

function testsOf({ suites = [], specs = [] }: PlaywrightSuite): TimedTest[] {
  const own = specs.flatMap(({ title, tests }) =>
    tests.map(({ projectName, results }) => ({
      title: `${title} (${projectName})`,
      seconds: results.reduce((sum, { duration }) => sum + duration, 0) / 1000,
    })),
  )
  return [...own, ...suites.flatMap(testsOf)]
}

/**
 * What a finished step counts for. A step that failed without naming a failed test (it crashed, or an error lay outside
 * a test), one that left no report, and one whose report holds no test at all are a failure each.
 */
export function outcomeOf(status: number | null, path: string | undefined, read: ReadReport): Report {
  if (path === undefined) {
    const passed = status === 0 ? 1 : 0
    return { passed, failed: 1 - passed, skipped: 0, tests: [] }
  }
  const report = readFile(path, read)
  const sound = status === 0 && report.passed + report.failed > 0
  return sound ? report : { ...report, failed: Math.max(1, report.failed) }
}

function readFile(path: string, read: ReadReport): Report {
  try {
    return read(readFileSync(path, 'utf8'))
  } catch {
    return { passed: 0, failed: 1, skipped: 0, tests: [] }
  }
}

/** The sum of several reports, their tests in one list. */
export function addUp(reports: readonly Report[]): Report {
  return {
    passed: reports.reduce((sum, { passed }) => sum + passed, 0),
    failed: reports.reduce((sum, { failed }) => sum + failed, 0),
    skipped: reports.reduce((sum, { skipped }) => sum + skipped, 0),
    tests: reports.flatMap(({ tests }) => tests),
  }
}
