import { expect, it } from 'vitest'
import { ablationChart, ablationTable, type Run } from './ablation.ts'

function run(label: string, ours: boolean, steps: number[], gain: number): Run {
  const at = (step: number): number => Math.min(1, (gain * step) / 1000)
  const shares = (share: number): Omit<Run['final'], 'scenes'> => {
    return { captions: share, questions: share, 'follow-ups': share, comparisons: share }
  }
  const watched = steps.map((step) => ({ step, ...shares(at(step)) }))
  return { label, ours, watched, final: { scenes: 1000, ...shares(gain) } }
}

const STEPS = [100, 200, 300, 400, 500, 600, 700, 800]
const WITH = run('both stages', true, STEPS, 1)
const WITHOUT = run('stage 2 alone', false, STEPS, 0.5)

it('sets the runs beside each other where both were watched', () => {
  const lines = ablationTable([WITH, { ...WITHOUT, watched: WITHOUT.watched.slice(1) }]).split('\n')
  const cells = lines.map((line) => line.split('|').map((cell) => cell.trim()))
  expect(cells[2]?.slice(1, 4)).toEqual(['200', 'both stages', '20.0 %'])
  expect(cells[3]?.slice(1, 4)).toEqual(['200', 'stage 2 alone', '10.0 %'])
  expect(cells.at(-3)?.slice(1, 4)).toEqual(['800', 'stage 2 alone', '40.0 %'])
  expect(cells.at(-1)?.slice(1, 4)).toEqual(['the last, 1000 scenes', 'stage 2 alone', '50.0 %'])
})

it('has nothing to say of one run alone', () => {
  expect(ablationTable([WITH])).toBe('Not measured yet.')
})

it('is drawn with both runs in each panel', () => {
  const svg = ablationChart([WITH, WITHOUT])
  expect(svg.match(/<title>both stages</g)).toHaveLength(3)
  expect(svg.match(/<title>stage 2 alone</g)).toHaveLength(3)
})
