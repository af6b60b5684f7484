/** The rows of "Aims" out of what the parts of a run wrote. What was not measured is never guessed, and says why. */

export type Part = 'bench' | 'plain' | 'loading' | 'beside' | 'converting' | 'software' | 'torch'

/** The JSON of each part, as far as there is one. */
export type Results = Partial<Record<Part, unknown>>

/** How a part went that was asked for. */
export interface Ended {
  part: Part
  ended: 'not begun' | 'whole' | 'at its limit' | 'with a failure'
  seconds?: number
  /** What it printed last, where it did not end whole. */
  said?: string
}

export interface Row {
  measure: string
  /** What was measured, in `unit`; null where it was not. */
  value: number | null
  unit: string
  aim: number
  /** Whether more or less than the aim is wanted. */
  wanted: 'at least' | 'at most'
  met: boolean | null
  /** Null where there is a value. */
  notMeasured: string | null
}

interface Aim extends Pick<Row, 'measure' | 'unit' | 'aim' | 'wanted'> {
  part: Part
  /** Out of what that part wrote. */
  value: (wrote: unknown) => number | null
  /** Why the part may have ended whole without it. */
  without?: string
}

const AIMS: readonly Aim[] = [
  {
    ...{ measure: 'decode, whole app path, greedy', unit: 'tokens/s', wanted: 'at least', aim: 300 },
    ...{ part: 'bench', value: ofDecode('tokensPerSecond') },
  },
  {
    ...{ measure: 'beside transformers.js, same weights, decoder alone', unit: 'times' },
    ...{ wanted: 'at least', aim: 5, part: 'beside', value: besides('beside', 'decode.ms') },
  },
  {
    ...{ measure: "loading the decoder, transformers.js's time by ours", unit: 'times' },
    ...{ wanted: 'at least', aim: 1, part: 'beside', value: besides('load', 'loadMs') },
  },
  {
    ...{ measure: "from its loading to the second token, transformers.js's time by ours", unit: 'times' },
    ...{ wanted: 'at least', aim: 1, part: 'beside', value: besides('beside', 'secondTokenMs') },
  },
  {
    ...{ measure: 'dispatches per token', unit: '', wanted: 'at most', aim: 165 },
    ...{ part: 'bench', value: ofDecode('dispatches') },
  },
  {
    ...{ measure: 'submits per token', unit: '', wanted: 'at most', aim: 1 },
    ...{ part: 'bench', value: ofDecode('submits') },
  },
  {
    ...{ measure: 'read back per greedy token', unit: 'bytes', wanted: 'at most', aim: 64 },
    ...{ part: 'bench', value: ofDecode('bytesRead') },
  },
  {
    ...{ measure: 'first word of a picture, warm', unit: 'ms', wanted: 'at most', aim: 80 },
    ...{ part: 'bench', value: figure('firstToken.warm') },
  },
  {
    ...{ measure: 'vision encoder', unit: 'ms', wanted: 'at most', aim: 30 },
    ...{ part: 'bench', value: figure('encode.vision') },
  },
  {
    ...{ measure: "vision encoder, ONNX Runtime's time by our kernels'", unit: 'times' },
    ...{ wanted: 'at least', aim: 1.5, part: 'bench', value: visionTimes },
    without: 'kernels of our own are not measured for the vision encoder on this adapter',
  },
  {
    ...{ measure: 'prefill of 48 positions', unit: 'ms', wanted: 'at most', aim: 20 },
    ...{ part: 'bench', value: figure('prefill.ms') },
  },
  {
    ...{ measure: 'follow-up question, first word', unit: 'ms', wanted: 'at most', aim: 25 },
    ...{ part: 'bench', value: figure('followUp.ms') },
  },
  {
    ...{ measure: 'load, from IndexedDB', unit: 'ms', wanted: 'at most', aim: 9000 },
    ...{ part: 'loading', value: ofLoads('ms', Math.min) },
  },
  {
    ...{ measure: "page's process above idle, the most of all loads", unit: 'MB' },
    ...{ wanted: 'at most', aim: 600, part: 'loading', value: ofLoads('renderer.aboveIdle', Math.max) },
  },
  {
    ...{ measure: 'converting in the browser', unit: 'MB/s', wanted: 'at least', aim: 110 },
    ...{ part: 'converting', value: figure('converted.readMegabytesPerSecond') },
  },
  {
    ...{ measure: 'download into IndexedDB', unit: 'MB/s', wanted: 'at least', aim: 300 },
    ...{ part: 'converting', value: figure('downloaded.keptMegabytesPerSecond') },
  },
  {
    ...{ measure: 'software adapter, step of the built-in model', unit: 'ms', wanted: 'at most', aim: 213 },
    ...{ part: 'software', value: figure('decode.recorded.ms') },
    without: 'its steps could not be recorded',
  },
]

/** The card's name, and a row for each aim. `steps` are the parts that were asked for. */
export function rowsOf(results: Results, steps: readonly Ended[]): { card: string | null; rows: Row[] } {
  const name =
    valueAt(results.bench, 'device.adapter') ??
    valueAt(results.loading, 'card') ??
    valueAt(results.beside, 'card')
  return {
    card: typeof name === 'string' && name !== '' ? name : null,
    rows: AIMS.map(({ part, value: valueIn, without, ...about }) => {
      const value = valueIn(results[part])
      const met =
        value === null ? null : about.wanted === 'at least' ? value >= about.aim : value <= about.aim
      const step = steps.find((one) => one.part === part)
      return { ...about, value, met, notMeasured: value === null ? whyNot(part, step, without) : null }
    }),
  }
}

function whyNot(part: Part, step: Ended | undefined, without = 'it wrote no such figure'): string {
  switch (step?.ended) {
    case undefined:
      return `${part} was not asked for`
    case 'not begun':
      return `${part} was not begun`
    case 'at its limit':
      return `${part} was ended at its limit of ${(step.seconds ?? NaN).toFixed(0)} s, behind: ${lastSaid(step)}`
    case 'with a failure':
      return `${part} failed: ${lastSaid(step)}`
    case 'whole':
      return `${part} ended whole: ${without}`
  }
}

/** Where a file was written, and what a server of scripts says of itself. */
const ASIDE = /^(written to |\[vite\])/

/** The error, where one is told before its stack; else the last line. */
function lastSaid({ said = '' }: Ended): string {
  const lines = said.split('\n').filter((line) => line.trim() !== '' && !ASIDE.test(line))
  return (
    lines.findLast((line) => /^(Uncaught )?\w*(Error|Exception)\b.*:/.test(line)) ?? lines.at(-1) ?? 'nothing'
  )
}

function valueAt(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (of, key) => (typeof of === 'object' && of !== null ? Reflect.get(of, key) : undefined),
      value,
    )
}

function numberAt(value: unknown, path: string): number | null {
  const found = valueAt(value, path)
  return typeof found === 'number' && Number.isFinite(found) ? found : null
}

function figure(path: string): Aim['value'] {
  return (wrote) => numberAt(wrote, path)
}

/** Of recorded steps, where they could be recorded. */
function ofDecode(key: string): Aim['value'] {
  return (wrote) =>
    numberAt(
      wrote,
      `${valueAt(wrote, 'decode.recorded') === null ? 'decode.plain' : 'decode.recorded'}.${key}`,
    )
}

/** transformers.js's by ours. */
function besides(part: 'load' | 'beside', path: string): Aim['value'] {
  return (wrote) =>
    quotient(numberAt(wrote, `${part}.transformers.${path}`), numberAt(wrote, `${part}.ours.${path}`))
}

function visionTimes(wrote: unknown): number | null {
  return quotient(numberAt(wrote, 'device.visionTimes.other'), numberAt(wrote, 'device.visionTimes.own'))
}

function quotient(above: number | null, below: number | null): number | null {
  return above === null || below === null ? null : above / below
}

function ofLoads(path: string, chosen: (...all: number[]) => number): Aim['value'] {
  return (wrote) => {
    const loads = valueAt(wrote, 'loads')
    const all = Array.isArray(loads) ? loads.flatMap((load: unknown) => numberAt(load, path) ?? []) : []
    return all.length === 0 ? null : chosen(...all)
  }
}
