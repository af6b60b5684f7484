/** Seeded power cuts over everything that is kept; a seed with `--only` replays one piece of work. */
import { parseArgs } from 'node:util'
import { CUTS } from '../testing/power/machine.ts'
import { powerCuts } from '../testing/power/power-cuts.ts'
import { SCENARIOS } from '../testing/power/scenarios.ts'

const USAGE = 'npm run power-cuts -- [--count 10000] [--seed 1] [--only <scenario>]'
/** The others are likely the same. */
const MOST_SHOWN = 5

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
})
const scenarios = SCENARIOS.filter(({ name }) => values.only === undefined || name === values.only)
if (scenarios.length === 0) throw new Error(`There is no such scenario. ${USAGE}`)

const began = performance.now()
const { cuts, works, found } = await powerCuts(scenarios, Number(values.count), Number(values.seed))
for (const { scenario, seed, cuts: before, what } of found.slice(0, MOST_SHOWN)) {
  console.log(`${scenario}: ${what}\n  after ${before.join(', ')}`)
  console.log(`  again with: npm run power-cuts -- --count 1 --seed ${seed} --only ${scenario}`)
}
const kinds = CUTS.map((cut) => `${cuts[cut]} ${cut}`).join(', ')
const { user, system } = process.cpuUsage()
const seconds = (ms: number): string => (ms / 1000).toFixed(1)
console.log(`${works + found.length} works with cuts (${kinds}); ${found.length} went wrong.`)
console.log(`${seconds((user + system) / 1000)} s of processor, ${seconds(performance.now() - began)} s.`)
// Programs that were cut off still wait for timers.
process.exit(found.length > 0 ? 1 : 0)
