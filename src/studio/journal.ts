/**
 * The log of a run over a folder: one line of JSON for each thing that happened, only ever added to. A line is written
 * before what it says is done, and holds all that doing it takes; so whoever comes after a kill finds at most one line
 * whose work has to be looked after, and perhaps half a line, which counts as none.
 */
import { isRecord, parseJson } from '../pack/json.ts'
import { AppError, failureIn, type Failure } from '../pack/failure.ts'
import { FORMATS, type Format } from './formats/formats.ts'

const LOG = 'pictalk-run'
const VERSION = 2

/** What was asked for. A run is gone on with only under the same. */
export interface RunHead {
  /** Pack, prompt, decoding, format and whatever else decides what is written, as one text. */
  key: string
  startedAt: number
  /** Where captions go, and what stands beside each: another run has to put these where they belong. */
  format: Format
  bom: boolean
  columns: Readonly<Record<string, string>>
}

export interface Captioned {
  kind: 'captioned'
  path: string
  /** What the picture's caption was before; '' for none. */
  before: string
  /** What it is now. */
  text: string
  score: number | null
}

export interface Failed {
  kind: 'failed'
  path: string
  failure: Failure
}

export type Outcome = Captioned | Failed | { kind: 'kept'; path: string; text: string }

/** What stands in a journal. */
export interface RunSoFar {
  head: RunHead
  outcomes: Map<string, Outcome>
  /** The last thing that was captioned, unless it failed to be written: the only one of which that is open. */
  last: Captioned | null
  finished: boolean
  /** Bytes that are whole lines: what is behind them has to go before anything is added. */
  wholeBytes: number
}

type Line = { log: string; version: number; head: RunHead } | Outcome | { kind: 'finished' }

export function headLine(head: RunHead): string {
  return lineOf({ log: LOG, version: VERSION, head })
}

export function outcomeLine(outcome: Outcome): string {
  return lineOf(outcome)
}

export function finishedLine(): string {
  return lineOf({ kind: 'finished' })
}

function lineOf(line: Line): string {
  return `${JSON.stringify(line)}\n`
}

/** What a journal says; null where not even its head was written. Throws `bad-file` for what is none. */
export function readJournal(bytes: Uint8Array): RunSoFar | null {
  const wholeBytes = bytes.lastIndexOf(10) + 1
  const [first, ...rest] = new TextDecoder().decode(bytes.subarray(0, wholeBytes)).split('\n')
  if (first === undefined || first === '') return null
  const run: RunSoFar = {
    head: headIn(parseJson(first)),
    outcomes: new Map(),
    last: null,
    finished: false,
    wholeBytes,
  }
  for (const text of rest) {
    if (text === '') continue
    const line = parseJson(text)
    if (isRecord(line) && line['kind'] === 'finished') {
      run.finished = true
      continue
    }
    const outcome = outcomeIn(line)
    run.outcomes.set(outcome.path, outcome)
    if (outcome.kind === 'captioned') run.last = outcome
    else if (outcome.path === run.last?.path) run.last = null
  }
  return run
}

function headIn(line: unknown): RunHead {
  if (!isRecord(line) || line['log'] !== LOG || line['version'] !== VERSION) throw noJournal()
  const { head } = line
  if (!isRecord(head)) throw noJournal()
  const { key, startedAt, bom, columns } = head
  const format = FORMATS.find((known) => known === head['format'])
  if (typeof key !== 'string' || typeof startedAt !== 'number' || typeof bom !== 'boolean') throw noJournal()
  if (format === undefined || !isRecord(columns) || !hasTexts(columns)) throw noJournal()
  return { key, startedAt, format, bom, columns }
}

function hasTexts(record: Record<string, unknown>): record is Record<string, string> {
  return Object.values(record).every((value) => typeof value === 'string')
}

function outcomeIn(line: unknown): Outcome {
  if (!isRecord(line) || typeof line['path'] !== 'string') throw noJournal()
  const { kind, path, text, before, score } = line
  if (kind === 'captioned' && typeof text === 'string' && typeof before === 'string')
    return { kind, path, before, text, score: typeof score === 'number' ? score : null }
  if (kind === 'kept' && typeof text === 'string') return { kind, path, text }
  const failure = failureIn(line['failure'])
  if (kind === 'failed' && failure !== null) return { kind, path, failure }
  throw noJournal()
}

function noJournal(): AppError {
  return new AppError(
    'bad-file',
    'The log of an earlier run in this folder is damaged; delete it to begin anew, the captions stay.',
  )
}
