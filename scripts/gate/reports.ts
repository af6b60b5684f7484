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
  /** Titles of tests that count as passed and failed at the first try. */
  secondTry: string[]
}

/** Turns a runner's JSON into a report. Throws what parsing or an unknown shape throws. */
export type ReadReport = (json: string) => Report

interface VitestJson {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { name: string; assertionResults: VitestResult[] }[]
}

interface VitestResult {
  fullName: string
  status: string
  duration?: number | null
  /** Of every try: a test that passed has some when it was tried twice. */
  failureMessages?: string[] | null
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
    secondTry: report.testResults.flatMap(({ assertionResults }) =>
      assertionResults
        .filter(({ status, failureMessages }) => status === 'passed' && (failureMessages ?? []).length > 0)
        .map(({ fullName }) => fullName),
    ),
  }
}

interface PlaywrightSuite {
  suites?: PlaywrightSuite[]
  specs?: { title: string; tests: PlaywrightTest[] }[]
}

interface PlaywrightTest {
  projectName: string
  status: string
  results: { duration: number }[]
}

interface PlaywrightJson {
  stats: { expected: number; unexpected: number; flaky: number; skipped: number }
  suites: PlaywrightSuite[]
}

/** The report of Playwright's JSON reporter. A test that passed only at the second try counts as passed, and is named. */
export function readPlaywrightReport(json: string): Report {
  const { stats, suites } = JSON.parse(json) as PlaywrightJson
  const tests = suites.flatMap(testsOf)
  return {
    passed: stats.expected + stats.flaky,
    failed: stats.unexpected,
    skipped: stats.skipped,
    tests: tests.map(({ title, seconds }) => ({ title, seconds })),
    secondTry: tests.filter(({ status }) => status === 'flaky').map(({ title }) => title),
  }
}

function testsOf({ suites = [], specs = [] }: PlaywrightSuite): (TimedTest & { status: string })[] {
  const own = specs.flatMap(({ title, tests }) =>
    tests.map(({ projectName, status, results }) => ({
      title: `${title} (${projectName})`,
      seconds: results.reduce((sum, { duration }) => sum + duration, 0) / 1000,
      status,
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
    return { passed, failed: 1 - passed, skipped: 0, tests: [], secondTry: [] }
  }
  const report = readFile(path, read)
  const sound = status === 0 && report.passed + report.failed > 0
  return sound ? report : { ...report, failed: Math.max(1, report.failed) }
}

function readFile(path: string, read: ReadReport): Report {
  try {
    return read(readFileSync(path, 'utf8'))
  } catch {
    return { passed: 0, failed: 1, skipped: 0, tests: [], secondTry: [] }
  }
}

/** The sum of several reports, their tests in one list each. */
export function addUp(reports: readonly Report[]): Report {
  return {
    passed: reports.reduce((sum, { passed }) => sum + passed, 0),
    failed: reports.reduce((sum, { failed }) => sum + failed, 0),
    skipped: reports.reduce((sum, { skipped }) => sum + skipped, 0),
    tests: reports.flatMap(({ tests }) => tests),
    secondTry: reports.flatMap(({ secondTry }) => secondTry),
  }
}
