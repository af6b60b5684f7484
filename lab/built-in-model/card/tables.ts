/** The tables of the model card, as Markdown, from counts alone. */
import { QUESTION_TYPES } from '../../../src/scenes/questions.ts'
import type { Tally } from '../../../src/scenes/judge.ts'
import type { Combinations } from '../../../src/scenes/scene.ts'
import { percent, type Evaluation } from '../evaluation/tallies.ts'
import type { Counts, KindCounts } from '../limits/measure-limits.ts'
import {
  BUILT_IN,
  measuredPrecisions,
  SETS,
  type Measurements,
  type Retrieval,
  type SetName,
} from './measurements.ts'

export const NOT_YET = 'Not measured yet.'

/** Every block of the card by the name in its markers. */
export function cardBlocks(measurements: Measurements): Record<string, string> {
  return {
    precisions: precisionTable(measurements),
    questions: questionTable(measurements),
    combinations: combinationTable(measurements),
    retrieval: retrievalTable(measurements),
    limits: limitsTable(measurements),
  }
}

/** Puts blocks between their markers, `<!-- name -->` and `<!-- /name -->`. Throws when a marker is missing. */
export function withBlocks(text: string, blocks: Readonly<Record<string, string>>): string {
  return Object.entries(blocks).reduce((so, [name, block]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
    const [from, to] = [so.indexOf(begin), so.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`The card has no ${begin} … ${end}.`)
    return `${so.slice(0, from + begin.length)}\n\n${block}\n\n${so.slice(to)}`
  }, text)
}

function precisionTable({ answers }: Measurements): string {
  const rows = measuredPrecisions(answers).flatMap(({ precision, figures: { bytes, trained } }) =>
    trained === undefined ? [] : [{ precision, bytes, trained }],
  )
  const [first] = rows
  if (first === undefined) return NOT_YET
  const header = ['precision', 'MB', ...CAPTION_MEASURES.map(([name]) => name), 'questions', 'follow-ups']
  const body = rows.map(({ precision, bytes, trained }) => [
    precision,
    (bytes / 1e6).toFixed(2),
    ...CAPTION_MEASURES.map(([, tally]) => percent(tally(trained))),
    percent(trained.questions.all),
    percent(trained.questions.followUps),
  ])
  return `${scenesIn(first.trained)}\n\n${table(header, body)}`
}

function questionTable({ answers }: Measurements): string {
  const columns = measuredPrecisions(answers).flatMap(({ precision, figures: { trained } }) =>
    trained === undefined ? [] : [{ precision, trained }],
  )
  const [first] = columns
  if (first === undefined) return NOT_YET
  const body = QUESTION_MEASURES.map(([name, tally]) => [
    name,
    String(tally(first.trained).of),
    ...columns.map(({ trained }) => percent(tally(trained))),
  ])
  return table(['question', 'asked', ...columns.map(({ precision }) => precision)], body)
}

function combinationTable({ answers }: Measurements): string {
  const measured = measuredPrecisions(answers)
  const { precision, figures } = measured.find((one) => one.precision === BUILT_IN) ?? measured[0] ?? {}
  const columns = SETS.flatMap((name) => {
    const evaluation = figures?.[name]
    return evaluation === undefined ? [] : [{ name: SET_NAMES[name], evaluation }]
  })
  if (columns.length === 0) return NOT_YET
  const header = [precision ?? '', ...columns.map(({ name }) => name)]
  const scenes = ['scenes', ...columns.map(({ evaluation }) => String(evaluation.scenes))]
  const body = [...CAPTION_MEASURES, ...QUESTION_MEASURES].map(([name, tally]) => [
    name,
    ...columns.map(({ evaluation }) => percent(tally(evaluation))),
  ])
  return table(header, [scenes, ...body])
}

function retrievalTable({ retrieval }: Measurements): string {
  const rows = COMBINATIONS.flatMap((combinations) =>
    measuredPrecisions(retrieval).flatMap(({ precision, figures }) => {
      const found = figures[combinations]
      return found === undefined ? [] : [{ precision, combinations, found }]
    }),
  )
  if (rows.length === 0) return NOT_YET
  const distinct = COMBINATIONS.flatMap((combinations) => {
    const found = rows.find((row) => row.combinations === combinations)?.found
    return found === undefined
      ? []
      : [`${found.captions} of ${found.scenes} captions differ (${SET_NAMES[combinations]})`]
  })
  const header = [
    'precision',
    'scenes',
    'image → text',
    'text → image',
    're-ranked, image → text',
    're-ranked, text → image',
    'match, random',
    'match, most similar',
  ]
  const body = rows.map(({ precision, combinations, found }) => [
    precision,
    SET_NAMES[combinations],
    ranks(found['image to text']),
    ranks(found['text to image']),
    percent(found['image to text, re-ranked']['1']),
    percent(found['text to image, re-ranked']['1']),
    percent(found.matching.random),
    percent(found.matching['most similar']),
  ])
  return `${distinct.join('; ')}.\n\n${table(header, body)}`
}

function limitsTable({ limits }: Measurements): string {
  if (limits === undefined) return NOT_YET
  const { area, falseAlarms, wrongScenes, kinds } = limits
  const alarms = Object.entries(falseAlarms).map(
    ([sort, { picture, caption }]) =>
      `${percent(picture)} and ${percent(caption)} of ${picture.of} (${sort})`,
  )
  const all = Object.values(kinds)
  const body = Object.entries(kinds).map(([kind, counts]) => limitsRow(kind, counts))
  body.push(
    limitsRow('all', {
      missed: addedCounts(all.map(({ missed }) => missed)),
      unseen: addedCounts(all.map(({ unseen }) => unseen)),
      alarms: addedCounts(all.map((counts) => counts.alarms)),
    }),
  )
  const summary = [
    `Right captions of scenes taken for guesses, by the picture alone and with the caption: ${alarms.join(', ')}.`,
    `Of ${wrongScenes.picture.of} wrong captions of scenes ${percent(wrongScenes.picture)} and ${percent(wrongScenes.caption)} are marked.`,
    `Area under the ROC curve on kinds never fitted to: ${area.picture.toFixed(3)} and ${area.caption.toFixed(3)}.`,
  ].join(' ')
  const header = [
    'kind',
    'wrong captions',
    'not marked, by the picture',
    'with the caption',
    'where the whole kind was left out',
    'with the caption',
    'right captions marked, by the picture',
    'with the caption',
  ]
  return `${summary}\n\n${table(header, body)}`
}

function limitsRow(kind: string, { missed, unseen, alarms }: KindCounts): string[] {
  const shares = [missed, unseen].flatMap(({ picture, caption }) => [percent(picture), percent(caption)])
  const ofRight = ({ right, of }: Tally): string => (of === 0 ? '–' : `${right} of ${of}`)
  return [kind, String(missed.picture.of), ...shares, ofRight(alarms.picture), ofRight(alarms.caption)]
}

function addedCounts(counts: readonly Counts[]): Counts {
  const added = (by: keyof Counts): Tally =>
    counts.reduce((sum, { [by]: one }) => ({ right: sum.right + one.right, of: sum.of + one.of }), {
      right: 0,
      of: 0,
    })
  return { picture: added('picture'), caption: added('caption') }
}

const COMBINATIONS: readonly Combinations[] = ['trained', 'new']

const SET_NAMES: Record<SetName, string> = {
  trained: 'held out',
  new: 'new combinations',
  photographed: 'photographed',
  varied: 'in other words',
  unseen: 'in words never heard',
}

type Measure = readonly [name: string, tally: (evaluation: Evaluation) => Tally]

const CAPTION_MEASURES: readonly Measure[] = [
  ['scenes right', ({ captions }) => captions.right],
  ['nothing wrong', ({ captions }) => captions.faultless],
  ['precision', ({ captions }) => captions.named],
  ['recall', ({ captions }) => captions.drawn],
  ['colours', ({ captions }) => captions.colours],
  ['relations', ({ captions }) => captions.relations],
]

const QUESTION_MEASURES: readonly Measure[] = [
  ...QUESTION_TYPES.map((type): Measure => [type, ({ questions }) => questions.types[type]]),
  ['follow-ups', ({ questions }) => questions.followUps],
  ['all questions', ({ questions }) => questions.all],
]

function scenesIn({ scenes, from, questions }: Evaluation): string {
  return `${scenes} scenes from seed ${from.toLocaleString('en')} on, ${questions.all.of} questions:`
}

/** "93.1 / 99.0 / 99.5 %", of R@1, R@5 and R@10. */
function ranks(ranked: Retrieval['image to text']): string {
  const shares = [ranked['1'], ranked['5'], ranked['10']].map((tally) => percent(tally))
  return `${shares.map((share) => share.replace(' %', '')).join(' / ')} %`
}

export function table(header: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...body.map(line)].join('\n')
}
