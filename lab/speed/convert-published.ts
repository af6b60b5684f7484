/**
 * The converter at a published shape, from a server that makes the checkpoint up as it is asked for:
 *   npx tsx lab/speed/convert-published.ts flan-t5-xxl --out <folder> [--precision q4f16]
 * The command line converts it by range requests in a process of its own. Prints one JSON line: bytes of the checkpoint,
 * bytes sent, bytes of the pack, seconds, the processor's seconds and the converter's peak memory (the kernel's `VmHWM`).
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MANIFEST_PATH, parseManifest } from '../../src/pack/manifest.ts'
import { PUBLISHED } from '../../src/synthetic/published.ts'
import { startSyntheticHub } from '../../testing/servers/synthetic-hub.ts'
import { peakBytesOf } from './browser-memory.ts'
import { readTime } from './browser-processor.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string' }, precision: { type: 'string', default: 'q4f16' } },
})

interface Used {
  seconds: number
  processorSeconds: number
  peakBytes: number
}

/** Runs a program to its end and looks twice a second at what the kernel counts of it. */
async function runCounted(command: string, args: readonly string[]): Promise<Used> {
  const started = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const used = { processorSeconds: 0, peakBytes: 0 }
  const timer = setInterval(() => Object.assign(used, usedBy(child.pid ?? 0, used)), 500)
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  clearInterval(timer)
  if (status !== 0) throw new Error(`${command} ended with ${status}.`)
  return { seconds: Math.round((performance.now() - started) / 1000), ...used }
}

function usedBy(pid: number, before: Omit<Used, 'seconds'>): Omit<Used, 'seconds'> {
  try {
    return {
      processorSeconds: Math.round(readTime(`/proc/${pid}/stat`).seconds),
      peakBytes: Math.max(before.peakBytes, peakBytesOf(`${pid}`)),
    }
  } catch {
    // It has ended meanwhile.
    return before
  }
}

const model = PUBLISHED.find((name) => name === positionals[0])
if (model === undefined || values.out === undefined)
  throw new Error(`Name one of ${PUBLISHED.join(', ')} and --out <folder>.`)
const repository = `Salesforce/blip2-${model}`
const hub = await startSyntheticHub(repository, undefined, model)
try {
  const used = await runCounted(process.execPath, [
    ...['--import', 'tsx', 'src/cli/main.ts', 'convert', '--from', `hub:${repository}`, '--hub', hub.url],
    ...['--out', values.out, '--precision', values.precision],
  ])
  const manifest = parseManifest(readFileSync(join(values.out, MANIFEST_PATH), 'utf8'))
  const packBytes = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
  const { totalBytes: checkpointBytes } = hub
  console.log(JSON.stringify({ model, checkpointBytes, sentBytes: hub.sentBytes(), packBytes, ...used }))
} finally {
  await hub.close()
}
