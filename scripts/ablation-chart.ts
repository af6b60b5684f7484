/**
 * What stage 1 is worth, drawn from what training noted as it went along:
 *   npx tsx scripts/ablation-chart.ts [models/drawn-scenes/training/runs] [models/drawn-scenes/ablation.svg]
 * The folder holds `stage2-watched.jsonl` and `without-stage1-watched.jsonl`: a line for every so many steps with the
 * shares of captions, questions and follow-ups that were right on held-out scenes.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lineChart, type Line } from './chart/lines.ts'

const MEASURES = ['captions', 'questions', 'follow-ups'] as const
type Watched = { step: number } & Record<(typeof MEASURES)[number], number>

const RUNS = [
  { file: 'stage2-watched.jsonl', label: 'both stages', ours: true },
  { file: 'without-stage1-watched.jsonl', label: 'stage 2 alone', ours: false },
]

function watched(path: string): Watched[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as Watched)
}

function main([
  folder = 'models/drawn-scenes/training/runs',
  out = 'models/drawn-scenes/ablation.svg',
]: string[]): void {
  const runs = RUNS.map(({ file, ...run }) => ({ ...run, lines: watched(join(folder, file)) }))
  const panels = MEASURES.map((title) => ({
    title,
    lines: runs.map(({ label, ours, lines }): Line => {
      return { label, ours, points: lines.map((line) => ({ x: line.step, share: line[title] })) }
    }),
  }))
  const axes = { x: 'steps of stage 2', y: 'right' }
  const subtitle = 'Held-out scenes, photographed as in training; everything else is the same'
  writeFileSync(out, lineChart('With and without stage 1', subtitle, axes, panels))
  console.error(`written to ${out}`)
}

main(process.argv.slice(2))
