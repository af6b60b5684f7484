/** Whether anything adds up while models and conversations come and go in one page; `--leak` proves that it would show. */
import { parseArgs } from 'node:util'
import { LEAKS, soak, type Leak } from '../testing/soak/soak.ts'
import { verdicts } from '../testing/soak/verdict.ts'

const USAGE = `npm run soak -- [--cycles 500] [--every 5] [--leak ${Object.keys(LEAKS).join('|')}]`

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '500' },
    every: { type: 'string', default: '5' },
    leak: { type: 'string' },
  },
})

function leakNamed(name: string | undefined): Leak | null {
  if (name === undefined) return null
  const leak = (Object.keys(LEAKS) as Leak[]).find((known) => known === name)
  if (leak === undefined) throw new Error(`There is no leak of that name. ${USAGE}`)
  return leak
}

const leak = leakNamed(values.leak)
if (leak !== null) console.log(`Left behind in each cycle: ${LEAKS[leak]}.`)
const began = performance.now()
const samples = await soak({
  cycles: Number(values.cycles),
  every: Number(values.every),
  leak,
  onSample: (cycle, sample) => {
    const heaps = Object.entries(sample).filter(([what]) => what.endsWith('in bytes'))
    const text = heaps.map(([what, bytes]) => `${what.replace(' in bytes', '')} ${(bytes / 1e6).toFixed(2)}`)
    console.log(`${String(cycle).padStart(5)}  ${text.join(', ')} MB`)
  },
})
const found = verdicts(samples)
console.log('\nMedians of early and late samples:')
for (const { what, early, late, grows } of found)
  console.log(`${grows ? 'GROWS' : '     '} ${what}: ${early} → ${late}`)
const growing = found.filter(({ grows }) => grows)
console.log(
  `\n${values.cycles} cycles in ${((performance.now() - began) / 1000).toFixed(0)} s; ${growing.length} of ${found.length} grow.`,
)
process.exitCode = growing.length === 0 ? 0 : 1
