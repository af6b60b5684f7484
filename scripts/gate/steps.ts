/** What the gate consists of, and what of it runs beside what: two lanes, since two cores are the least there is. */
import { readPlaywrightReport, readVitestReport, type ReadReport } from './reports.ts'

export interface Step {
  name: string
  command: string[]
  /** Where the step leaves its JSON report; a step without one counts as a single check. */
  report?: { path: string; read: ReadReport }
}

/** Steps that wait for each other. */
export type Lane = Step[]
/** Lanes that run side by side; a stage begins when the one before is over. */
export type Stage = Lane[]

export const REPORTS = 'test-results'

const npm = (script: string): string[] => ['npm', 'run', '--silent', script]

interface VitestOptions {
  /** What the command begins with. */
  before?: string[]
  /** Projects of the same run, which count as one step. */
  beside?: string[]
}

function vitest(project: string, { before = [], beside = [] }: VitestOptions = {}): Step {
  const path = `${REPORTS}/${project}.json`
  return {
    name: `${project} tests`,
    command: [
      ...before,
      ...['npx', 'vitest', 'run', ...[project, ...beside].flatMap((name) => ['--project', name])],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${path}`],
    ],
    report: { path, read: readVitestReport },
  }
}

const format: Step = { name: 'format', command: npm('format:check') }
const lint: Step = { name: 'lint', command: npm('lint') }
const types: Step = { name: 'types', command: npm('types') }
const endToEnd: Step = {
  name: 'end-to-end tests',
  command: npm('e2e'),
  report: { path: `${REPORTS}/e2e.json`, read: readPlaywrightReport },
}

/** Files that share processes: testing/together.ts. */
const TOGETHER = { beside: ['node-together', 'node-in-time'] }

/** For the habit of every commit: all that needs no browser. */
export const CHECK: Stage[] = [[[types, lint, format], [vitest('node', TOGETHER)]]]

/** What runs so gives way to what does not: it has a tenth of a disputed core, and all of one that browsers leave idle. */
const GIVING_WAY = ['nice', '-n', '10']

/**
 * Everything. One lane has the browsers, one after the other: two would dispute the software graphics adapter. The other
 * has what needs none, and fills what they leave of two cores.
 */
export const GATE: Stage[] = [
  [
    [types, lint, format, vitest('node', { ...TOGETHER, before: GIVING_WAY })],
    [vitest('browser'), endToEnd],
  ],
]
