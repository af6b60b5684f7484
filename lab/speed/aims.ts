/**
 * Every row of docs/performance.md's "Aims" in one run on one machine, each part a process of its own with a time limit.
 *   npx tsx lab/speed/aims.ts [--size full] [--adapter software|default] [--kernels auto] [--minutes 8] [--tokens 64]
 *     [--only bench,loading,beside,converting,software,plain,torch] [--python python3] [--out <file>]
 * What is made up beforehand (two packs, and transformers.js, see side-by-side.ts) is made first and does not count. The one JSON
 * that it ends as, with the card's name, is written anew behind each part: what was measured survives a time limit, and a row without
 * a figure says why it has none.
 * `PICTALK_CHROMIUM_FLAGS` has further flags of Chromium, `CHROMIUM_PATH` another Chromium.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PRECISIONS } from '../../src/pack/precisions.ts'
import { SIZES } from '../../src/synthetic/dimensions.ts'
import { rowsOf, type Ended, type Part, type Results } from './aims/rows-of.ts'
import { killTree } from './process-tree.ts'
import { madeUpFolder, makeUpPack, PRECISION_BESIDE } from './made-up-pack.ts'
import { CHROMIUM_FLAGS, circumstances, oneOf, resultPath, writeResult } from './measuring-page.ts'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'full' },
    precision: { type: 'string', default: 'q4f16' },
    adapter: { type: 'string', default: 'default' },
    kernels: { type: 'string', default: 'auto' },
    tokens: { type: 'string', default: '64' },
    minutes: { type: 'string', default: '8' },
    only: { type: 'string', default: 'bench,loading,beside,converting,software,plain,torch' },
    python: { type: 'string', default: 'python3' },
    transformers: { type: 'string', default: 'packs/transformers' },
    out: { type: 'string' },
  },
})

interface Step {
  part: Part
  command: string[]
  /** Seconds at most, of the usual eight minutes; of more or fewer minutes as many more or fewer. */
  limit: number
  /** Without the flags of a card. */
  plainly?: true
}

const USUAL_MINUTES = 8

/**
 * The most telling first: should time run out, the least is lost. Those that fill rows have less than eight minutes together,
 * so that each is begun.
 */
function stepsInto(folder: string): Step[] {
  const { size, precision, adapter, kernels, tokens } = values
  const tsx = (part: Part, script: string, ...more: string[]): string[] => [
    ...['node', '--import', 'tsx', `lab/speed/${script}.ts`, '--out', join(folder, `${part}.json`), ...more],
  ]
  const bench = ['--size', size, '--precision', precision, '--adapter', adapter, '--tokens', tokens]
  const torch = [
    'lab/speed/real-gpu/torch_baseline.py',
    '--out',
    join(folder, 'torch.json'),
    '--tokens',
    tokens,
  ]
  return [
    {
      part: 'bench',
      limit: 110,
      command: tsx('bench', 'bench', ...bench, '--kernels', kernels, '--timestamps'),
    },
    {
      part: 'loading',
      limit: 90,
      command: tsx('loading', 'loading', ...bench.slice(0, 6), '--kernels', kernels, '--rounds', '2'),
    },
    {
      part: 'beside',
      limit: 110,
      command: tsx(
        'beside',
        'side-by-side',
        ...(kernels === 'never' ? [] : ['--own-kernels']),
        '--size',
        size,
        '--adapter',
        adapter,
        '--rounds',
        '1',
        '--tokens',
        tokens,
      ),
    },
    {
      part: 'converting',
      limit: 80,
      command: tsx(
        'converting',
        'keeping',
        ...['--precisions', precision, '--what', 'convert,download'],
        // Smaller only for a rehearsal: at least one layer of the published widths.
        ...(size === 'full' ? [] : ['--layers', '1,1,1']),
      ),
    },
    {
      part: 'software',
      limit: 80,
      plainly: true,
      command: tsx('software', 'bench', '--adapter', 'software', '--tokens', '8'),
    },
    { part: 'plain', limit: 90, command: tsx('plain', 'bench', ...bench, '--kernels', 'never') },
    { part: 'torch', limit: 90, command: [values.python, ...torch, '--size', size] },
  ]
}

/** Ends with what it printed last, where it failed; everything that it started goes with it at the limit. */
async function run({ part, command: [program = '', ...args], limit, plainly }: Step): Promise<Ended> {
  const began = performance.now()
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...(plainly && { [CHROMIUM_FLAGS]: '' }) },
  })
  let said = ''
  child.stderr.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-2000)))
  const over = new AbortController()
  const timer = setTimeout(() => {
    over.abort()
    if (child.pid !== undefined) killTree(child.pid)
  }, 1000 * limit)
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      said = error.message
      resolve(null)
    })
    child.once('close', resolve)
  })
  clearTimeout(timer)
  const seconds = (performance.now() - began) / 1000
  const ended = over.signal.aborted ? 'at its limit' : code === 0 ? 'whole' : 'with a failure'
  console.error(`${part}: ended ${ended}, ${seconds.toFixed(0)} s`)
  return { part, ended, seconds, ...(ended !== 'whole' && { said }) }
}

function read(path: string): unknown {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

async function main(): Promise<void> {
  const size = oneOf(SIZES, values.size, 'size')
  const precision = oneOf(PRECISIONS, values.precision, 'precision')
  // The other is what side-by-side.ts lays beside transformers.js.
  for (const one of new Set([precision, PRECISION_BESIDE]))
    await makeUpPack(madeUpFolder(size, one), size, one)
  const folder = mkdtempSync(join(tmpdir(), 'pictalk-aims-'))
  const parts = values.only.split(',')
  const minutes = Number(values.minutes)
  const end = performance.now() + 60_000 * minutes
  const asked = stepsInto(folder).filter(({ part }) => parts.includes(part))
  const ended = new Map<Part, Ended>(asked.map(({ part }) => [part, { part, ended: 'not begun' }]))
  const results: Results = {}
  const write = (): void => {
    const steps = [...ended.values()]
    const { card, rows } = rowsOf(results, steps)
    const name = `aims-${card ?? 'no-card'}-${size}`
    const { adapter, kernels, tokens } = values
    const about = { card, size, precision, asked: { adapter, kernels, tokens }, load: loadavg()[0], steps }
    writeResult(values.out ?? resultPath(name), { ...circumstances(''), ...about, rows, results })
  }
  try {
    write()
    for (const step of asked) {
      const left = (end - performance.now()) / 1000
      if (left <= 0) break
      const limit = Math.min((step.limit * minutes) / USUAL_MINUTES, left)
      ended.set(step.part, await run({ ...step, limit }))
      const result = read(join(folder, `${step.part}.json`))
      if (result !== undefined) results[step.part] = result
      write()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
