/**
 * The whole converter beside ONNX Runtime's quantiser on the graphs of the same model:
 *   npx tsx lab/quantisation/quantisers/converters.ts [--python <python>] [--size 2-layers] [--bits 4]
 * The checkpoint is made up and written to `packs/`; ONNX Runtime gets it as float32 graphs, which is more than half the
 * work of a conversion and is not counted. Prints seconds, processor seconds and peak resident megabytes of each.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { partsOf } from '../../../src/pack/families.ts'
import { chunksOf, parseManifest } from '../../../src/pack/manifest.ts'
import { syntheticTree } from '../../../src/synthetic/checkpoint.ts'
import { SIZES } from '../../../src/synthetic/dimensions.ts'

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    size: { type: 'string', default: '2-layers' },
    bits: { type: 'string', default: '4' },
  },
})
const size = SIZES.find((one) => one === values.size)
if (size === undefined) throw new Error(`--size is one of ${SIZES.join(', ')}.`)
const folder = join('packs', 'quantisers', size)
const checkpoint = join(folder, 'checkpoint')

/** Writes the made-up checkpoint to the disk, a stretch at a time. */
async function writeCheckpoint(): Promise<number> {
  const tree = syntheticTree(size ?? 'tiny', 1)
  await mkdir(checkpoint, { recursive: true })
  let bytes = 0
  for (const name of ['config.json', 'model.safetensors']) {
    const source = await tree.open(name)
    if (source === undefined) throw new Error(`There is no ${name}.`)
    bytes += source.byteLength
    const file = await open(join(checkpoint, name), 'w')
    for (let at = 0; at < source.byteLength; at += 2 ** 26)
      await file.writeFile(Buffer.from(await source.slice(at, Math.min(source.byteLength, at + 2 ** 26))))
    await file.close()
  }
  return bytes
}

/** A weights file lies in chunks; elsewhere it is wanted whole. */
async function joinChunks(pack: string): Promise<void> {
  const manifest = parseManifest(await readFile(join(pack, 'pack.json'), 'utf8'))
  for (const [, { weights }] of partsOf(manifest)) {
    const path = join(pack, weights)
    const entry = manifest.files.find((file) => file.path === weights)
    if (entry === undefined || existsSync(path)) continue
    await writeFile(path, '')
    for (const chunk of chunksOf(entry))
      await writeFile(path, await readFile(join(pack, chunk.path)), { flag: 'a' })
  }
}

/** Runs a command under time(1): [seconds, processor seconds, peak resident MB]. */
function timed(command: string[]): [number, number, number] {
  const env = { ...process.env, OMP_NUM_THREADS: '1' }
  const done = spawnSync('/usr/bin/time', ['-f', '%e %U %S %M', ...command], { env, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(done.stderr)
  const [wall = NaN, user = NaN, system = NaN, kibibytes = NaN] = (
    done.stderr.trim().split('\n').at(-1) ?? ''
  )
    .split(' ')
    .map(Number)
  return [wall, user + system, (kibibytes * 1024) / 1e6]
}

function convert(precision: string, out: string): [number, number, number] {
  const main = join('src', 'cli', 'main.ts')
  const command = [process.execPath, '--import', 'tsx', main, 'convert', '--from', checkpoint, '--out', out]
  return timed([...command, '--precision', precision])
}

const bytes = await writeCheckpoint()
const plain = join(folder, 'fp32')
convert('fp32', plain)
await joinChunks(plain)
const graphs = ['vision.f32.onnx', 'q-former.f32.onnx', 'decoder.f32.onnx'].map((name) => join(plain, name))
console.log(`${(bytes / 1e6).toFixed(0)} MB of float32`)
console.log('| converter | seconds | processor seconds | peak MB |')
console.log('| --- | --- | --- | --- |')
const whole = [
  values.python,
  join(import.meta.dirname, 'whole_graph.py'),
  join(folder, 'theirs'),
  values.bits,
  ...graphs,
]
const results = {
  pictalk: convert(values.bits === '8' ? 'q8' : 'q4', join(folder, `ours-q${values.bits}`)),
  onnxruntime: timed(whole),
}
for (const [name, figures] of Object.entries(results))
  console.log(`| ${[name, ...figures.map((figure) => figure.toFixed(0))].join(' | ')} |`)
