import { expect, it } from 'vitest'
import { CAPTION_WORK, probed } from '../../../testing/devices.ts'
import { drawn } from '../../../testing/state/drawn.tsx'
import { openPage } from '../../../testing/state/fake-browser.ts'
import type { KeptModel } from '../../protocol/keeper-calls.ts'
import { EMPTY_CATALOGUE, type KnownModel } from '../../state/catalogue.ts'
import type { Here } from '../../state/costs-slice.ts'
import type { AppState } from '../../state/store.ts'
import { PhotographCard } from './photograph-card.tsx'

const KNOWN: KnownModel = {
  ...{ name: 'BLIP-2', address: 'owner/blip2', notes: {}, precision: 'q4f16' },
  costs: {
    ...{ fetchBytes: 15e9, keepBytes: 2.2e9, licence: 'opt-175b' },
    work: CAPTION_WORK,
  },
}
const KEPT: KeptModel = {
  ...{
    id: 'kept',
    name: 'mine',
    precision: 'q8',
    bytes: 1,
    complete: true,
    compares: false,
    converted: null,
  },
  ...{ licence: null, licenceNotice: null, languageLicence: null, place: null, address: null },
  asked: 'https://elsewhere.test/',
}

/** On a card that computes so many operations a second. */
function here(flops: number): Here {
  return { devices: [probed(flops)], convertBytesPerSecond: 1e8 }
}

async function cardIn(change: Partial<AppState>): Promise<{ said: string; leadsOn: boolean }> {
  const catalogue = { ...EMPTY_CATALOGUE, models: [KNOWN] }
  const html = await drawn(openPage().store, { catalogue, ...change }, <PhotographCard />)
  return {
    said: html.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' '),
    leadsOn: html.includes('"primary"'),
  }
}

const room = (freeBytes: number): Partial<AppState> => ({
  space: { usedBytes: 0, freeBytes, persisted: false },
})

/** Each state once: what people read, and whether they are led on. */
it.each<[string, Partial<AppState>, string, boolean]>([
  ['nobody has measured yet', {}, 'Trying how fast this device is…', false],
  ['what it costs', { here: here(1e13) }, 'Photographs: 15 GB once', true],
  ['what it takes to come', { here: here(1e13) }, '20–34 minutes to fetch and convert', true],
  ['what stays', { here: here(1e13) }, '2.2 GB stay on this device.', true],
  ['a licence that restricts', { here: here(1e13) }, 'OPT-175B : non-commercial research only', true],
  [
    'a device that is good for it',
    { here: here(1e13) },
    'About 1 second a caption here. This device is',
    true,
  ],
  ['a slow device', { here: here(2e10) }, 'About 43 seconds a caption here. It works, with patience.', true],
  [
    'one that is too slow',
    { here: here(1e9) },
    '15 minutes a caption here. Too slow here to be advised.',
    false,
  ],
  [
    'little room',
    { here: here(1e13), ...room(1e9) },
    'Not advised: the browser allows too little space.',
    false,
  ],
  [
    'little memory',
    {
      here: here(1e13),
      catalogue: {
        ...EMPTY_CATALOGUE,
        models: [{ ...KNOWN, costs: KNOWN.costs && { ...KNOWN.costs, keepBytes: 9e9 } }],
      },
    },
    'Not advised: this device may have too little memory.',
    false,
  ],
  ['nothing could be measured', { here: { devices: [], convertBytesPerSecond: null } }, '2.2 GB stay', false],
  [
    'a kept model that came from here',
    { kept: [{ ...KEPT, asked: 'owner/blip2' }] },
    'Photographs: mine is here',
    true,
  ],
  ['a kept model of which nobody knows', { kept: [KEPT] }, 'mine is here You added this model.', true],
])('The card about photographs says it of %s', async (_, state, sentence, leadsOn) => {
  const { said, ...rest } = await cardIn(state)
  expect(said).toContain(sentence)
  expect(rest.leadsOn).toBe(leadsOn)
})

it('The card promises nothing of a model that this browser could not keep', async () => {
  const { said, leadsOn } = await cardIn({ keepsNothing: true, here: here(1e13) })
  expect(said.trim()).toBe(
    'Photographs The full BLIP-2 knows photographs. This browser lets the page keep nothing, so no other model can be added here.',
  )
  expect(leadsOn).toBe(false)
})

it('The card promises photographs of no model of which nobody knows what it was taught', async () => {
  expect((await cardIn({ kept: [KEPT] })).said).not.toContain('hotographs')
  // Of two the one that came from here is offered.
  expect((await cardIn({ kept: [KEPT, { ...KEPT, name: 'full', asked: 'owner/blip2' }] })).said).toContain(
    'full is',
  )
})
