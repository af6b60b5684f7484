import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PRECISIONS } from '../../../src/pack/precisions.ts'
import type { Tally } from '../../../src/scenes/judge.ts'
import { emptyEvaluation, type Evaluation } from '../evaluation/tallies.ts'
import { ablationTable, readRuns } from './ablation.ts'
import {
  checkpointHash,
  figuresOf,
  measuredPrecisions,
  NOTHING,
  type Measurements,
  type Retrieval,
} from './measurements.ts'
import { cardBlocks, withBlocks } from './tables.ts'
import { formatted } from '../formatted.ts'

const FOLDER = 'models/drawn-scenes'
const CARD = `${FOLDER}/README.md`

function evaluation(right: number): Evaluation {
  const empty = emptyEvaluation({
    scenes: 500,
    from: 1_000_000,
    combinations: 'trained',
    noise: false,
    wording: 'plain',
  })
  empty.captions.right = { right, of: 500 }
  empty.questions.all = { right: 2 * right, of: 3000 }
  empty.questions.types.colour = { right: 90, of: 100 }
  return empty
}

const ranked = (one: number): Record<'1' | '5' | '10', Tally> => ({
  1: { right: one, of: 1000 },
  5: { right: 990, of: 1000 },
  10: { right: 1000, of: 1000 },
})

const RETRIEVAL: Retrieval = {
  scenes: 1000,
  captions: 961,
  'image to text': ranked(931),
  'text to image': ranked(930),
  'image to text, re-ranked': ranked(970),
  'text to image, re-ranked': ranked(965),
  matching: { random: { right: 1999, of: 2000 }, 'most similar': { right: 1800, of: 2000 } },
}

const MEASUREMENTS: Measurements = {
  answers: {
    checkpoint: 'a',
    precisions: {
      q8: { bytes: 4_250_000, trained: evaluation(470), new: { ...evaluation(400), scenes: 300 } },
      fp32: { bytes: 16_000_000, trained: evaluation(471) },
    },
  },
  retrieval: { checkpoint: 'b', precisions: { q8: { trained: RETRIEVAL, new: RETRIEVAL } } },
}

/** Cells of the row that begins with a word. */
function row(block: string | undefined, word: string): string[] {
  const line = block?.split('\n').find((one) => one.startsWith(`| ${word} `)) ?? ''
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}

describe('the tables', () => {
  const blocks = cardBlocks(MEASUREMENTS)

  it('have a row for each precision, from fp32 down', () => {
    expect(blocks.precisions?.match(/^\| (fp32|q8) /gm)).toEqual(['| fp32 ', '| q8 '])
    expect(row(blocks.precisions, 'q8').slice(0, 3)).toEqual(['q8', '4.25', '94.0 %'])
    expect(row(blocks.precisions, 'q8').at(-2)).toBe('31.3 %')
    expect(blocks.precisions).toContain('500 scenes from seed 1,000,000 on, 3000 questions:')
  })

  it('have a row for each type of question, with how many there were', () => {
    expect(row(blocks.questions, 'question')).toEqual(['question', 'asked', 'fp32', 'q8'])
    expect(row(blocks.questions, 'colour')).toEqual(['colour', '100', '90.0 %', '90.0 %'])
    expect(row(blocks.questions, 'presence')).toEqual(['presence', '0', '–', '–'])
  })

  it('set new combinations beside trained ones, for the built-in precision', () => {
    expect(row(blocks.combinations, 'q8')).toEqual(['q8', 'held out', 'new combinations'])
    expect(row(blocks.combinations, 'scenes')).toEqual(['scenes', '500', '300'])
    expect(row(blocks.combinations, 'scenes right')).toEqual(['scenes right', '94.0 %', '80.0 %'])
  })

  it('say how well pictures and captions find each other', () => {
    expect(row(blocks.retrieval, 'q8')).toEqual([
      'q8',
      'held out',
      '93.1 / 99.0 / 100.0 %',
      '93.0 / 99.0 / 100.0 %',
      '97.0 %',
      '96.5 %',
      '100.0 %',
      '90.0 %',
    ])
    expect(blocks.retrieval).toContain('961 of 1000 captions differ (held out)')
  })

  it('say so where nothing was measured', () => {
    expect(new Set(Object.values(cardBlocks(NOTHING)))).toEqual(new Set(['Not measured yet.']))
  })
})

describe('a block', () => {
  it('stands between its markers, whatever was there before', () => {
    const text = 'a\n\n<!-- x -->\n\nold\n\n<!-- /x -->\n\nb <!-- y --><!-- /y -->'
    const once = withBlocks(text, { x: 'new', y: '$&' })
    expect(once).toBe('a\n\n<!-- x -->\n\nnew\n\n<!-- /x -->\n\nb <!-- y -->\n\n$&\n\n<!-- /y -->')
    expect(withBlocks(once, { x: 'new' })).toBe(once)
    expect(() => withBlocks(text, { z: '' })).toThrow('<!-- z -->')
  })

  it('has its place in the card', () => {
    const card = readFileSync(CARD, 'utf8')
    expect(() => withBlocks(card, { ...cardBlocks(NOTHING), ablation: '' })).not.toThrow()
  })
})

describe('the card of the built-in model', () => {
  const measurements = JSON.parse(readFileSync(`${FOLDER}/measurements.json`, 'utf8')) as Measurements

  it('is about the checkpoints that are here', () => {
    expect(measurements.answers.checkpoint).toBe(checkpointHash(`${FOLDER}/checkpoint`))
    expect(measurements.limits?.checkpoint).toBe(checkpointHash(`${FOLDER}/checkpoint`))
    expect(measurements.retrieval.checkpoint).toBe(checkpointHash(`${FOLDER}/retrieval-checkpoint`))
  })

  it('has what was counted at every precision, and nothing else', async () => {
    expect(measuredPrecisions(measurements.answers).map(({ precision }) => precision)).toEqual([
      ...PRECISIONS,
    ])
    expect(measuredPrecisions(measurements.retrieval).map(({ precision }) => precision)).toEqual([
      ...PRECISIONS,
    ])
    const card = readFileSync(CARD, 'utf8')
    const blocks = {
      ...cardBlocks(measurements),
      ablation: ablationTable(readRuns(`${FOLDER}/training/runs`)),
    }
    expect(Object.values(blocks)).not.toContain('Not measured yet.')
    expect(await formatted(CARD, withBlocks(card, blocks))).toBe(card)
  })
})

it('goes on with the figures of the same checkpoint only', () => {
  expect(figuresOf(MEASUREMENTS.answers, 'a')).toBe(MEASUREMENTS.answers)
  expect(figuresOf(MEASUREMENTS.answers, 'other')).toEqual({ checkpoint: 'other', precisions: {} })
})
