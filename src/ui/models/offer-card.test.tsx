import { expect, it } from 'vitest'
import { drawn } from '../../../testing/state/drawn.tsx'
import { openPage } from '../../../testing/state/fake-browser.ts'
import { offerOf } from '../../../testing/state/fake-keeper.ts'
import { OfferCard } from './offer-card.tsx'

const WORK = { flops: 1e9, lookNodes: 10, wordBytes: 1e6, wordNodes: 10, words: 12 }

it('An offer holds the room of how long a caption takes until that is known, so that its buttons stay where they are', async () => {
  const { store } = openPage()
  const offer = { ...offerOf('a'), findings: [], work: WORK }
  const awaited = await drawn(store, {}, <OfferCard offer={offer} />)
  expect(awaited).toContain('<span>Trying how fast this device is…</span>')
  expect(awaited).toMatch(/<span aria-hidden="true">A caption would take about 30 seconds/)
  expect(awaited.match(/<li/g)).toHaveLength(1)
  const known = { ok: true, key: 'captionGraphics', values: { seconds: 2 } } as const
  const there = await drawn(store, {}, <OfferCard offer={{ ...offer, findings: [known], work: null }} />)
  expect(there).not.toContain('Trying')
  expect(there.match(/<li/g)).toHaveLength(1)
})
