import { addUp } from './reports.ts'
import type { Finished } from './run.ts'

const SLOWEST = 10

/** What the gate says when it is over; its last line is how many checks passed and how many failed. */
export function summaryOf(
  finished: readonly Finished[],
  seconds: number,
): { lines: string[]; failed: number } {
  const { passed, failed, skipped, tests, secondTry } = addUp(finished)
  const slowest = tests.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST)
  const line = (time: string, words: string): string => `${time.padStart(7)} s  ${words}`
  return {
    failed,
    lines: [
      `\nThe slowest ${SLOWEST} tests:`,
      ...slowest.map((test) => line(test.seconds.toFixed(1), test.title)),
      '\nSeconds per step, some of them side by side:',
      ...finished.map(({ step, seconds, ok }) =>
        line(seconds.toFixed(0), `${step.name}${ok ? '' : ': FAILED'}`),
      ),
      line(seconds.toFixed(0), 'in all'),
      ...(skipped > 0 ? [`\n${skipped} skipped: what is skipped is not checked.`] : []),
      // They count as passed; whoever changed something near them looks at them all the same.
      ...(secondTry.length > 0 ? [`\nPassed only at the second try: ${secondTry.length}`] : []),
      ...secondTry.map((title) => `  ${title}`),
      `\n${passed} passed, ${failed} failed`,
    ],
  }
}
