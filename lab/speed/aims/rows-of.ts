/** The rows of "Aims" out of what the parts of a run wrote. What was not measured is null, and never guessed. */

export type Part = 'bench' | 'plain' | 'loading' | 'beside' | 'converting' | 'software' | 'torch'

/** The JSON of each part, as far as there is one. */
export type Results = Partial<Record<Part, unknown>>

export interface Row {
  measure: string
  /** What was measured, in `unit`; null where it was not. */
  value: number | null
  unit: string
  aim: number
  /** Whether more or less than the aim is wanted. */
  wanted: 'at least' | 'at most'
  met: boolean | null
}

/** What is told of loading a decoder alone: until it can be asked, and until two tokens of its first answer are there. */
const UNTIL = {
  loadMs: "loading the decoder, transformers.js's time by ours",
  secondTokenMs: "from its loading to the second token, transformers.js's time by ours",
}

/** The card's name, and a row for each aim. */
export function rowsOf(results: Results): { card: string | null; rows: Row[] } {
  const at = (part: Part, path: string): unknown => valueAt(results[part], path.split('.'))
  const number = (part: Part, path: string): number | null => {
    const value = at(part, path)
    return typeof value === 'number' && Number.isFinite(value) ? value : null
  }
  const best = at('bench', 'decode.recorded') === null ? 'decode.plain' : 'decode.recorded'
  const ratio = quotient(
    number('beside', 'beside.transformers.decode.ms'),
    number('beside', 'beside.ours.decode.ms'),
  )
  const besides = (side: 'ours' | 'transformers', until: keyof typeof UNTIL): number | null =>
    number('beside', `${until === 'loadMs' ? 'load' : 'beside'}.${side}.${until}`)
  const name = at('bench', 'device.adapter') ?? at('loading', 'card') ?? at('beside', 'card')
  const row = (
    measure: string,
    value: number | null,
    unit: string,
    wanted: Row['wanted'],
    aim: number,
  ): Row => {
    const met = value === null ? null : wanted === 'at least' ? value >= aim : value <= aim
    return { measure, value, unit, aim, wanted, met }
  }
  return {
    card: typeof name === 'string' && name !== '' ? name : null,
    rows: [
      row(
        'decode, whole app path, greedy',
        number('bench', `${best}.tokensPerSecond`),
        'tokens/s',
        'at least',
        300,
      ),
      row('beside transformers.js, same weights, decoder alone', ratio, 'times', 'at least', 5),
      ...(['loadMs', 'secondTokenMs'] as const).map((until) =>
        row(
          UNTIL[until],
          quotient(besides('transformers', until), besides('ours', until)),
          'times',
          'at least',
          1,
        ),
      ),
      row('dispatches per token', number('bench', `${best}.dispatches`), '', 'at most', 165),
      row('submits per token', number('bench', `${best}.submits`), '', 'at most', 1),
      row('read back per greedy token', number('bench', `${best}.bytesRead`), 'bytes', 'at most', 64),
      row('first word of a picture, warm', number('bench', 'firstToken.warm'), 'ms', 'at most', 80),
      row('vision encoder', number('bench', 'encode.vision'), 'ms', 'at most', 30),
      row(
        "vision encoder, ONNX Runtime's time by our kernels'",
        quotient(number('bench', 'device.visionTimes.other'), number('bench', 'device.visionTimes.own')),
        'times',
        'at least',
        1.5,
      ),
      row('prefill of 48 positions', number('bench', 'prefill.ms'), 'ms', 'at most', 20),
      row('follow-up question, first word', number('bench', 'followUp.ms'), 'ms', 'at most', 25),
      row('load, from IndexedDB', fastestLoad(at('loading', 'loads')), 'ms', 'at most', 9000),
      row(
        "page's process above idle, the most of all loads",
        largestPage(at('loading', 'loads')),
        'MB',
        'at most',
        600,
      ),
      row(
        'converting in the browser',
        number('converting', 'converted.readMegabytesPerSecond'),
        'MB/s',
        'at least',
        110,
      ),
      row(
        'download into IndexedDB',
        number('converting', 'downloaded.keptMegabytesPerSecond'),
        'MB/s',
        'at least',
        300,
      ),
      row(
        'software adapter, step of the built-in model',
        number('software', 'decode.recorded.ms'),
        'ms',
        'at most',
        213,
      ),
    ],
  }
}

function valueAt(value: unknown, [key, ...rest]: string[]): unknown {
  if (key === undefined) return value
  return typeof value === 'object' && value !== null ? valueAt(Reflect.get(value, key), rest) : undefined
}

function quotient(above: number | null, below: number | null): number | null {
  return above === null || below === null ? null : above / below
}

function numbersIn(loads: unknown, path: string[]): number[] {
  const all = Array.isArray(loads) ? loads.map((load: unknown) => valueAt(load, path)) : []
  return all.filter((value) => typeof value === 'number')
}

function fastestLoad(loads: unknown): number | null {
  const all = numbersIn(loads, ['ms'])
  return all.length === 0 ? null : Math.min(...all)
}

function largestPage(loads: unknown): number | null {
  const all = numbersIn(loads, ['renderer', 'aboveIdle'])
  return all.length === 0 ? null : Math.max(...all)
}
