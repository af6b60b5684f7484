import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { addUp, outcomeOf, readPlaywrightReport, readVitestReport } from './reports.ts'

const folder = mkdtempSync(join(tmpdir(), 'pictalk-gate-'))
afterAll(() => rmSync(folder, { recursive: true }))

function fileWith(text: string): string {
  const path = join(folder, 'report.json')
  writeFileSync(path, text)
  return path
}

const RESULTS = [
  { fullName: 'a holds', status: 'passed', duration: 1500, failureMessages: [] },
  { fullName: 'b holds', status: 'passed', duration: 500, failureMessages: ['It did not hold.'] },
  { fullName: 'c holds', status: 'failed', duration: 0, failureMessages: ['It did not hold.'] },
]

const vitest = (passed: number, failed: number): string =>
  JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: 1,
    numTodoTests: 2,
    testResults: [{ name: 'a.test.ts', assertionResults: RESULTS }],
  })

const playwright = JSON.stringify({
  stats: { expected: 5, unexpected: 1, flaky: 2, skipped: 3 },
  suites: [
    {
      suites: [
        {
          specs: [
            {
              title: 'Users can',
              tests: [
                { projectName: 'phone', status: 'flaky', results: [{ duration: 700 }, { duration: 300 }] },
                { projectName: 'desktop', status: 'expected', results: [{ duration: 900 }] },
              ],
            },
          ],
        },
      ],
    },
  ],
})

describe('a report', () => {
  it('of Vitest counts what was skipped, how long each test took, and which needed a second try', () => {
    expect(readVitestReport(vitest(4, 1))).toEqual({
      passed: 4,
      failed: 1,
      skipped: 3,
      tests: [
        { title: 'a holds', seconds: 1.5 },
        { title: 'b holds', seconds: 0.5 },
        { title: 'c holds', seconds: 0 },
      ],
      secondTry: ['b holds'],
    })
  })

  it('of Playwright counts a test that passed at the second try as passed, and names it', () => {
    expect(readPlaywrightReport(playwright)).toEqual({
      passed: 7,
      failed: 1,
      skipped: 3,
      tests: [
        { title: 'Users can (phone)', seconds: 1 },
        { title: 'Users can (desktop)', seconds: 0.9 },
      ],
      secondTry: ['Users can (phone)'],
    })
  })
})

describe('a step', () => {
  it.each<[string, number | null, string, { passed: number; failed: number }]>([
    ['that went well', 0, vitest(4, 0), { passed: 4, failed: 0 }],
    ['in which tests failed', 1, vitest(4, 2), { passed: 4, failed: 2 }],
    ['that failed beside its tests', 1, vitest(4, 0), { passed: 4, failed: 1 }],
    ['that was killed', null, vitest(4, 0), { passed: 4, failed: 1 }],
    ['that ran no test', 0, vitest(0, 0), { passed: 0, failed: 1 }],
    ['that left half a report', 0, '{"numPassed', { passed: 0, failed: 1 }],
  ])('%s counts as it should', (_, status, text, counts) => {
    expect(outcomeOf(status, fileWith(text), readVitestReport)).toMatchObject(counts)
  })

  it('without a report is one check', () => {
    expect(outcomeOf(0, undefined, readVitestReport)).toMatchObject({ passed: 1, failed: 0 })
    expect(outcomeOf(2, undefined, readVitestReport)).toMatchObject({ passed: 0, failed: 1 })
  })

  it('that left no report is a failure', () => {
    expect(outcomeOf(0, join(folder, 'none.json'), readVitestReport)).toMatchObject({ passed: 0, failed: 1 })
  })
})

it('sums are over every report', () => {
  const one = { passed: 1, failed: 2, skipped: 3, tests: [{ title: 'a', seconds: 1 }], secondTry: ['b'] }
  expect(addUp([one, one])).toEqual({
    passed: 2,
    failed: 4,
    skipped: 6,
    tests: [...one.tests, ...one.tests],
    secondTry: ['b', 'b'],
  })
})
