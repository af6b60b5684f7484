/**
 * The same again and again, and nothing may grow: in a page of Chromium with its threads, or in Node. `--leak` keeps
 * something in each cycle, to see that it is noticed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Growth } from '../testing/soak/growth.ts'
import { ENGINE_LEAKS, PAGE_LEAKS } from '../testing/soak/inside.ts'
import { NODE_LEAKS, soakNode } from '../testing/soak/node-soak.ts'
import { soakPage } from '../testing/soak/page-soak.ts'

const LEAKS = [...PAGE_LEAKS, ...ENGINE_LEAKS]
const USAGE = `npm run soak -- [--cycles 500] [--in page|node] [--provider wasm|webgpu] [--leak <kind>]
In a page: ${LEAKS.join(', ')}; in Node: ${NODE_LEAKS.join(', ')}.`
const TOLD_EVERY = 25

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '500' },
    in: { type: 'string', default: 'page' },
    provider: { type: 'string', default: 'wasm' },
    leak: { type: 'string' },
  },
})
const cycles = Number(values.cycles)
if (!(cycles >= 1)) throw new Error(USAGE)
const began = performance.now()
const seconds = (): string => ((performance.now() - began) / 1000).toFixed(0)

function onCycle(done: number): void {
  if (done % TOLD_EVERY === 0) console.log(`${done} cycles, ${seconds()} s`)
}

/** The leak that was asked for, of those that there are; null for none. */
function leakOf<T extends string>(leaks: readonly T[]): T | null {
  const leak = leaks.find((one) => one === values.leak)
  if (leak === undefined && values.leak !== undefined) throw new Error(USAGE)
  return leak ?? null
}

async function inPage(): Promise<Growth[]> {
  const { provider } = values
  if (provider !== 'wasm' && provider !== 'webgpu') throw new Error(USAGE)
  const root = await mkdtemp(join(process.env['PICTALK_TMP'] ?? tmpdir(), 'pictalk-soak-'))
  try {
    return await soakPage({ root, cycles, provider, leak: leakOf(LEAKS), onCycle })
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

function line({ name, early, late, grew }: Growth): string {
  const ratio = early === 0 ? '' : ` (${(late / early).toFixed(3)})`
  return `${grew ? 'GREW ' : 'flat '} ${name}: ${early} early, ${late} late${ratio}`
}

if (values.in !== 'page' && values.in !== 'node') throw new Error(USAGE)
const measured =
  values.in === 'page' ? await inPage() : await soakNode({ cycles, leak: leakOf(NODE_LEAKS), onCycle })
for (const one of measured) console.log(line(one))
const grown = measured.filter(({ grew }) => grew).length
console.log(`${cycles} cycles in ${seconds()} s; ${grown === 0 ? 'nothing' : grown} grew.`)
// The runtime holds on to its timers.
process.exit(grown === 0 ? 0 : 1)
