/** The converter's quantiser on one matrix, as theirs.py does it: `tsx ours.ts pictalk BITS matrices.safetensors TENSOR`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { folderTree } from '../../../src/cli/files.ts'
import { openCheckpoint } from '../../../src/convert/checkpoint.ts'
import { dequantiseBlocks, quantiseBlocks } from '../../../src/convert/quantise.ts'

const [, bitsText, path = '', tensor = ''] = process.argv.slice(2)
const bits = bitsText === '8' ? 8 : 4

/** As the converter does: bands of 16 MiB of float32. */
const BAND_ELEMENTS = 2 ** 22

/** Megabytes of this process as Linux has them: `VmRSS` now, `VmHWM` at most. */
function resident(field: 'VmRSS' | 'VmHWM'): number {
  const [, kibibytes] =
    new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return (Number(kibibytes) * 1024) / 1e6
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const folder = folderTree(dirname(path))
const checkpoint = await openCheckpoint({
  open: (name) => folder.open(name === 'model.safetensors' ? basename(path) : name),
})
const [rows = 0, columns = 0] = checkpoint.tensors.get(tensor)?.shape ?? []
const step = Math.floor(BAND_ELEMENTS / columns)
// What is resident now becomes the peak so far.
writeFileSync('/proc/self/clear_refs', '5')
const before = resident('VmRSS')
let [seconds, wall, error, energy] = [0, 0, 0, 0]

async function eachBand(visit: (values: Float32Array<ArrayBuffer>, rowCount: number) => void): Promise<void> {
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first)
    visit(await checkpoint.readRows(tensor, first, count), count)
  }
}

await eachBand((values, count) => {
  const [cpuStart, start] = [cpuSeconds(), performance.now()]
  quantiseBlocks(values, count, columns, bits, 'float32')
  seconds += cpuSeconds() - cpuStart
  wall += (performance.now() - start) / 1000
})
const highest = resident('VmHWM')
// What came out is looked at afterwards, so that the peak is that of the job.
await eachBand((values, count) => {
  const blocks = quantiseBlocks(values, count, columns, bits, 'float32')
  const restored = dequantiseBlocks(blocks, count, columns, bits)
  values.forEach((value, i) => {
    error += (value - (restored[i] ?? 0)) ** 2
    energy += value ** 2
  })
})
console.log(JSON.stringify({ seconds, wall, before, peak: highest, error: Math.sqrt(error / energy) }))
