/**
 * The same again and again, and nothing may grow: in a page of Chromium with its threads, and in Node. `--leak` keeps
 * something in each cycle, to see that it is noticed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Growth } from '../testing/soak/growth.ts'
import { ENGINE_LEAKS, PAGE_LEAKS } from '../testing/soak/inside.ts'
import { soakPage } from '../testing/soak/page-soak.ts'

const LEAKS = [...PAGE_LEAKS, ...ENGINE_LEAKS]
const USAGE = `npm run soak -- [--cycles 500] [--provider wasm|webgpu] [--leak ${LEAKS.join('|')}]`
const TOLD_EVERY = 25

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '500' },
    provider: { type: 'string', default: 'wasm' },
    leak: { type: 'string' },
  },
})
const { provider } = values
if (provider !== 'wasm' && provider !== 'webgpu') throw new Error(USAGE)
const leak = LEAKS.find((one) => one === values.leak) ?? null
if (values.leak !== undefined && leak === null) throw new Error(USAGE)

const began = performance.now()
const seconds = (): string => ((performance.now() - began) / 1000).toFixed(0)
const root = await mkdtemp(join(process.env['PICTALK_TMP'] ?? tmpdir(), 'pictalk-soak-'))
const { measured, classes } = await soakPage({
  root,
  cycles: Number(values.cycles),
  provider,
  leak,
  onCycle: (done) => {
    if (done % TOLD_EVERY === 0) console.log(`${done} cycles, ${seconds()} s`)
  },
})
await rm(root, { recursive: true, force: true })

for (const one of measured) console.log(line(one))
for (const one of classes) console.log(line(one))

function line({ name, early, late, grew }: Growth): string {
  const ratio = early === 0 ? '' : ` (${(late / early).toFixed(3)})`
  return `${grew ? 'GREW ' : 'flat '} ${name}: ${early} early, ${late} late${ratio}`
}

const grown = [...measured, ...classes].filter(({ grew }) => grew).length
console.log(`${values.cycles} cycles in ${seconds()} s; ${grown === 0 ? 'nothing' : grown} grew.`)
process.exitCode = grown === 0 ? 0 : 1
