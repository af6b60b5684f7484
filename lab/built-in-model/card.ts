/**
 * Measures the built-in model and writes its card:
 *   npm run card -- [--python <python with torch and transformers>] [--precisions fp32,fp16,q8,q4,q4f16]
 *     [--scenes 500] [--new-scenes 300] [--photographed 300] [--varied 300] [--unseen 300]
 *     [--retrieval-scenes 1000] [--parts answers,retrieval]
 * Converts the committed checkpoint to each precision and evaluates each pack, one after the other; measures retrieval
 * with transformers where a Python is named, else leaves those figures as they are. What was counted goes to
 * measurements.json, as it is found, and the tables to README.md; what training noted with and without stage 1 is drawn
 * as ablation.svg. `--parts ""` only writes the tables and the drawing again.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { folderSink, folderTree } from '../../src/cli/files.ts'
import { convertCheckpoint } from '../../src/convert/convert.ts'
import { PRECISIONS, type Precision } from '../../src/pack/precisions.ts'
import { FIRST_HELD_OUT_SEED, type Combinations } from '../../src/scenes/scene.ts'
import { ablationChart, ablationTable, readRuns } from './card/ablation.ts'
import {
  BUILT_IN,
  checkpointHash,
  figuresOf,
  NOTHING,
  SETS,
  type Answers,
  type Measurements,
  type Retrieval,
  type SetName,
} from './card/measurements.ts'
import { cardBlocks, withBlocks } from './card/tables.ts'
import type { Evaluation } from './evaluation/tallies.ts'
import { formatted } from './formatted.ts'

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: 'models/drawn-scenes' },
    checkpoint: { type: 'string', default: 'models/drawn-scenes/checkpoint' },
    'retrieval-checkpoint': { type: 'string', default: 'models/drawn-scenes/retrieval-checkpoint' },
    precisions: { type: 'string', default: PRECISIONS.join() },
    parts: { type: 'string', default: 'answers,retrieval' },
    scenes: { type: 'string', default: '500' },
    'new-scenes': { type: 'string', default: '300' },
    photographed: { type: 'string', default: '300' },
    varied: { type: 'string', default: '300' },
    unseen: { type: 'string', default: '300' },
    'retrieval-scenes': { type: 'string', default: '1000' },
    python: { type: 'string' },
  },
})

const [CARD, FIGURES] = [join(values.folder, 'README.md'), join(values.folder, 'measurements.json')]
const COUNTS: Record<SetName, string> = {
  trained: values.scenes,
  new: values['new-scenes'],
  photographed: values.photographed,
  varied: values.varied,
  unseen: values.unseen,
}
const FLAGS: Record<SetName, readonly string[]> = {
  trained: [],
  new: ['--combinations', 'new'],
  photographed: ['--noise'],
  varied: ['--wording', 'varied'],
  unseen: ['--wording', 'unseen'],
}

/** Its standard output; what it reports on the way goes to ours. */
function outputOf(program: string, args: readonly string[]): string {
  const { status, stdout, error } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  })
  if (status !== 0) throw new Error(`${program} ${args[0] ?? ''} failed`, { cause: error })
  return stdout
}

/** A script of this repository, in a process of its own. */
function script(path: string, args: readonly string[]): string {
  return outputOf(process.execPath, ['--import', 'tsx', path, ...args])
}

async function measureAnswers(
  precision: Precision,
  work: string,
  found: (answers: Answers) => Promise<void>,
): Promise<void> {
  const pack = join(work, precision)
  const { files } = await convertCheckpoint(folderTree(values.checkpoint), folderSink(pack), {
    precision,
    name: 'drawn-scenes',
  })
  let answers: Answers = { bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
  for (const set of SETS) {
    // What a camera does to a picture, or people to a question, is no matter of precision.
    const always = set === 'trained' || set === 'new'
    if (Number(COUNTS[set]) === 0 || !(always || precision === BUILT_IN)) continue
    console.error(`${precision}, ${set}`)
    const flags = ['--pack', pack, '--scenes', COUNTS[set], ...FLAGS[set], '--json']
    const json = script('lab/built-in-model/evaluate.ts', flags)
    answers = { ...answers, [set]: JSON.parse(json) as Evaluation }
    await found(answers)
  }
}

type RetrievalByPrecision = Partial<Record<Precision, Record<Combinations, Retrieval>>>

function measureRetrieval(
  python: string,
  precisions: readonly Precision[],
  work: string,
): RetrievalByPrecision {
  const training = 'models/drawn-scenes/training'
  const count = values['retrieval-scenes']
  const scenes = ['trained', 'new'].map((combinations) => {
    const out = join(work, `scenes-${combinations}`)
    const from = String(FIRST_HELD_OUT_SEED)
    const flags = ['--from', from, '--count', count, '--conversations', '0', '--comparisons', '0', '--clean']
    script(`${training}/render-scenes.ts`, [...flags, '--combinations', combinations, '--out', out])
    return `${combinations}=${out}`
  })
  const checkpoints = precisions.map((precision) => {
    const out = join(work, `retrieval-${precision}`)
    const from = values['retrieval-checkpoint']
    script('lab/built-in-model/as-converted.ts', ['--from', from, '--precision', precision, '--out', out])
    return `${precision}=${out}`
  })
  const args = ['--checkpoint', ...checkpoints, '--scenes', ...scenes, '--count', count]
  return JSON.parse(outputOf(python, [`${training}/measure_retrieval.py`, ...args])) as RetrievalByPrecision
}

async function write(path: string, text: string): Promise<void> {
  writeFileSync(path, await formatted(path, text))
}

async function main(): Promise<void> {
  const parts = new Set(values.parts.split(','))
  const wanted = values.precisions.split(',')
  const precisions = PRECISIONS.filter((precision) => wanted.includes(precision))
  const { python } = values
  let measurements = existsSync(FIGURES)
    ? (JSON.parse(readFileSync(FIGURES, 'utf8')) as Measurements)
    : NOTHING
  const runs = readRuns(join(values.folder, 'training/runs'))
  writeFileSync(join(values.folder, 'ablation.svg'), ablationChart(runs))
  const work = mkdtempSync(join(tmpdir(), 'pictalk-card-'))
  const keep = async (more: Partial<Measurements>): Promise<void> => {
    measurements = { ...measurements, ...more }
    await write(FIGURES, JSON.stringify(measurements, null, 2))
    const blocks = { ...cardBlocks(measurements), ablation: ablationTable(runs) }
    await write(CARD, withBlocks(readFileSync(CARD, 'utf8'), blocks))
  }
  try {
    for (const precision of parts.has('answers') ? precisions : [])
      await measureAnswers(precision, work, (answers) => {
        const kept = figuresOf(measurements.answers, checkpointHash(values.checkpoint))
        return keep({ answers: { ...kept, precisions: { ...kept.precisions, [precision]: answers } } })
      })
    if (parts.has('retrieval') && python !== undefined) {
      const found = measureRetrieval(python, precisions, work)
      const kept = figuresOf(measurements.retrieval, checkpointHash(values['retrieval-checkpoint']))
      await keep({ retrieval: { ...kept, precisions: { ...kept.precisions, ...found } } })
    }
    await keep({})
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

await main()
