import { describe, expect, it } from 'vitest'
import type { Report } from './reports.ts'
import type { Finished } from './run.ts'
import { summaryOf } from './summary.ts'

function stepOf(name: string, report: Partial<Report>): Finished {
  const counts = { passed: 1, failed: 0, skipped: 0, tests: [], secondTry: [], ...report }
  return { ...counts, step: { name, command: [] }, ok: counts.failed === 0, seconds: 12.4 }
}

const said = (...finished: Finished[]): string => summaryOf(finished, 99.6).lines.join('\n')

describe('The gate says', () => {
  it('in its last line how many checks passed and failed', () => {
    const steps = [stepOf('a', { passed: 3 }), stepOf('b', { passed: 2, failed: 1 })]
    expect(said(...steps)).toMatch(/\n5 passed, 1 failed$/)
    expect(summaryOf(steps, 1).failed).toBe(1)
  })

  it('by name which tests passed only at the second try', () => {
    const text = said(
      stepOf('a', { secondTry: ['Users can talk (phone)'] }),
      stepOf('b', { secondTry: ['sums add up'] }),
    )
    expect(text).toContain('Passed only at the second try: 2\n  Users can talk (phone)\n  sums add up\n')
    expect(text).toMatch(/\n2 passed, 0 failed$/)
  })

  it('nothing of second tries and of what was left out where there was none', () => {
    expect(said(stepOf('a', {}))).not.toMatch(/second try|skipped/)
    expect(said(stepOf('a', { skipped: 2 }))).toContain('2 skipped: what is skipped is not checked.')
  })

  it('how long each step took, and which failed', () => {
    expect(said(stepOf('a', {}), stepOf('b', { failed: 1 }))).toContain(
      '     12 s  a\n     12 s  b: FAILED\n    100 s  in all',
    )
  })

  it('which ten tests took longest, the longest first', () => {
    const tests = Array.from({ length: 12 }, (_, i) => ({ title: `test ${i}`, seconds: i }))
    const lines = said(stepOf('a', { tests })).split('\n')
    expect(lines.filter((line) => line.includes('  test '))).toEqual(
      [11, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((i) => `${i.toFixed(1).padStart(7)} s  test ${i}`),
    )
  })
})
