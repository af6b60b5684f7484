import { expect, it } from 'vitest'
import type { Tunings } from '../runtime/wgsl/decoder/layout.ts'
import type { Judgement, JudgementKey } from '../runtime/models/open-parts.ts'
import { tableInMemory } from '../store/table.ts'
import { KeptJudgements, type JudgedRow } from './judged.ts'

const judgement: Judgement = {
  expected: [Float32Array.of(1), Float32Array.of(2)],
  times: { other: 25, own: 4 },
  verdict: 'right',
  subgroups: null,
  tunings: { qkv: { threads: 64, lanes: 16, rowsPerThread: 4 } } as Tunings,
  unfinished: { memory: 0, subgroups: 0, tunings: 0 },
  failures: 0,
  failure: null,
}

const key = (subject = 'model', state = 'browser'): JudgementKey => ({ subject, state })

it('remembers between visits, each model on each device apart', async () => {
  const kept = new Map<string, JudgedRow>()
  await new KeptJudgements(tableInMemory(kept)).keep(key('model device'), judgement)
  const later = new KeptJudgements(tableInMemory(kept))
  expect(await later.recall(key('model device'))).toEqual(judgement)
  expect(await later.recall(key('model other device'))).toBeUndefined()
})

it('knows nothing of another browser, whose judgement takes the place of what was there', async () => {
  const kept = new Map<string, JudgedRow>()
  const judgements = new KeptJudgements(tableInMemory(kept))
  await judgements.keep(key(), judgement)
  const rows = kept.size
  const newer = key('model', 'newer browser')
  const other = { ...judgement, expected: [Float32Array.of(3)] }
  for (const some of [judgements, new KeptJudgements(tableInMemory(kept))]) {
    expect(await some.recall(newer)).toBeUndefined()
    await some.keep(newer, other)
    expect(await some.recall(newer)).toEqual(other)
    expect(await some.recall(key())).toBeUndefined()
    await some.keep(key(), judgement)
  }
  expect(kept.size).toBe(rows)
})

it('writes what was computed once, also where it comes from an earlier visit, and again when all was forgotten', async () => {
  const kept = new Map<string, JudgedRow>()
  const table = tableInMemory(kept)
  let computed = 0
  const counted: typeof table = {
    ...table,
    setAll: (rows) => {
      computed += rows.filter(([, row]) => 'expected' in row).length
      return table.setAll(rows)
    },
  }
  const first = new KeptJudgements(counted)
  for (const memory of [1, 0])
    await first.keep(key(), { ...judgement, unfinished: { ...judgement.unfinished, memory } })
  const later = new KeptJudgements(counted)
  const known = await later.recall(key())
  if (known === undefined) throw new Error('It was forgotten.')
  await later.keep(key(), { ...known, failures: 1 })
  expect([computed, await new KeptJudgements(counted).recall(key())]).toEqual([
    1,
    { ...judgement, failures: 1 },
  ])
  await later.forget()
  expect([kept.size, await later.recall(key())]).toEqual([0, undefined])
  await later.keep(key(), { ...known, failures: 1 })
  expect(await new KeptJudgements(counted).recall(key())).toMatchObject({ failures: 1 })
})

it('remembers until the page closes where nothing may be kept', async () => {
  const full = { ...tableInMemory<JudgedRow>(), get: refuse, setAll: refuse }
  const judgements = new KeptJudgements(full)
  expect(await judgements.recall(key())).toBeUndefined()
  await judgements.keep(key(), judgement)
  expect(await judgements.recall(key())).toEqual(judgement)
})

function refuse(): Promise<never> {
  return Promise.reject(new Error('The disk is full.'))
}
