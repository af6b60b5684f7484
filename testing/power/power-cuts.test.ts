/** A few of the power cuts of `npm run power-cuts`, of which there are as many as one likes. */
import { expect, it } from 'vitest'
import { powerCuts } from './power-cuts.ts'
import { SCENARIOS } from './scenarios.ts'

const CUTS = 50

it.each([...new Set(SCENARIOS)])('$name: the same end whenever the power fails', async (scenario) => {
  const { found } = await powerCuts([scenario], CUTS, 1)
  expect(found).toEqual([])
})
