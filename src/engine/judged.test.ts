import { expect, it } from 'vitest'
import type { Judgement } from '../runtime/models/open-parts.ts'
import { tableInMemory } from '../store/table.ts'
import { KeptJudgements } from './judged.ts'

const judgement: Judgement = {
  expected: [Float32Array.of(1), Float32Array.of(2)],
  times: { other: 25, own: 4 },
  verdict: 'right',
  subgroups: null,
  unfinished: 0,
  failures: 0,
  failure: null,
}

it('remembers between visits, each model on each device apart', async () => {
  const kept = new Map<string, Judgement>()
  await new KeptJudgements(tableInMemory(kept)).keep('model device', judgement)
  const later = new KeptJudgements(tableInMemory(kept))
  expect(await later.recall('model device')).toEqual(judgement)
  expect(await later.recall('model other device')).toBeUndefined()
})

it('remembers until the page closes where nothing may be kept', async () => {
  const full = { ...tableInMemory<Judgement>(), get: refuse, set: refuse }
  const judgements = new KeptJudgements(full)
  expect(await judgements.recall('model')).toBeUndefined()
  await judgements.keep('model', judgement)
  expect(await judgements.recall('model')).toEqual(judgement)
})

function refuse(): Promise<never> {
  return Promise.reject(new Error('The disk is full.'))
}
