/**
 * The paper's ablation in small: stage 2 with and without stage 1, as training noted it while it went along
 * (`<run>-watched.jsonl`: a line for every so many steps with the shares that were right on some held-out scenes) and in
 * the end (`<run>-final.json`: the same on more of them).
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lineChart, type Line } from '../../speed/chart/lines.ts'
import { NOT_YET, table } from './tables.ts'

const MEASURES = ['captions', 'questions', 'follow-ups', 'comparisons'] as const
type Measure = (typeof MEASURES)[number]
type Shares = Record<Measure, number>

export interface Run {
  label: string
  ours: boolean
  watched: ({ step: number } & Shares)[]
  final: { scenes: number } & Shares
}

const RUNS = [
  { name: 'stage2', label: 'both stages', ours: true },
  { name: 'without-stage1', label: 'stage 2 alone', ours: false },
]

/** Of the run with stage 1 and the one without it, those whose notes are in the folder. */
export function readRuns(folder: string): Run[] {
  return RUNS.flatMap(({ name, label, ours }) => {
    const [log, end] = [join(folder, `${name}-watched.jsonl`), join(folder, `${name}-final.json`)]
    if (!existsSync(log) || !existsSync(end)) return []
    const lines = readFileSync(log, 'utf8').split('\n')
    const watched = lines
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as Run['watched'][number])
    return [{ label, ours, watched, final: JSON.parse(readFileSync(end, 'utf8')) as Run['final'] }]
  })
}

/** An SVG with a panel for each measure but `comparisons`, which questions and follow-ups contain. */
export function ablationChart(runs: readonly Run[]): string {
  const panels = MEASURES.slice(0, 3).map((title) => ({
    title,
    lines: runs.map(({ label, ours, watched }): Line => {
      return { label, ours, points: watched.map((line) => ({ x: line.step, share: line[title] })) }
    }),
  }))
  const subtitle = 'Held-out scenes, photographed as in training; everything else is the same'
  return lineChart('With and without stage 1', subtitle, { x: 'steps of stage 2', y: 'right' }, panels)
}

/** How far each run had come after some of its steps, one run above the other, and where they ended. */
export function ablationTable(runs: readonly Run[]): string {
  const steps = stepsOfAll(runs)
  const shown = steps.filter((_, i) => i < 5 || (i + 1) % 5 === 0 || i === steps.length - 1)
  if (runs.length < RUNS.length || shown.length === 0) return NOT_YET
  const header = ['right after step', 'stages', ...MEASURES]
  const row = (when: string, label: string, shares: Shares | undefined): string[] => {
    return [when, label, ...MEASURES.map((measure) => share(shares?.[measure]))]
  }
  const body = shown.flatMap((step) =>
    runs.map(({ label, watched }) =>
      row(
        String(step),
        label,
        watched.find((line) => line.step === step),
      ),
    ),
  )
  const ends = runs.map(({ label, final }) => row(`the last, ${final.scenes} scenes`, label, final))
  return table(header, [...body, ...ends])
}

/** Steps at which every run was watched. */
function stepsOfAll([first, ...others]: readonly Run[]): number[] {
  const steps = first?.watched.map(({ step }) => step) ?? []
  return steps.filter((step) => others.every(({ watched }) => watched.some((line) => line.step === step)))
}

function share(value: number | undefined): string {
  return value === undefined ? '–' : `${(100 * value).toFixed(1)} %`
}
