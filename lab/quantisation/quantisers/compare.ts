/**
 * The converter's quantiser beside ONNX Runtime's and PyTorch's on the same matrices:
 *   npx tsx lab/quantisation/quantisers/compare.ts [--python <python>] [--rounds 3] [--shapes 2560x2560,10240x2560,1408x6144]
 * The Python needs what requirements.txt lists. Every measurement is a process of its own on one core, the quantisers
 * by turns; of the rounds the fastest counts. Speed is float32 input per second of processor time.
 */
import { execFileSync } from 'node:child_process'
import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { once } from 'node:events'
import { valueSource } from '../../../src/synthetic/values.ts'

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    rounds: { type: 'string', default: '3' },
    shapes: { type: 'string', default: '2560x2560,10240x2560,1408x6144' },
  },
})

const FOLDER = join('packs', 'quantisers')
const FILE = join(FOLDER, 'matrices.safetensors')

interface Matrix {
  /** A name that the made-up values know as a matrix with outlier channels. */
  tensor: string
  shape: [number, number]
}

const MATRICES = values.shapes.split(',').map((text): Matrix => {
  const [rows = 0, columns = 0] = text.split('x').map(Number)
  return { tensor: `m${text}.${rows > columns ? 'fc1' : 'fc2'}.weight`, shape: [rows, columns] }
})

/** One safetensors file with all matrices, float32, made-up values. */
async function writeMatrices(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true })
  const source = valueSource(1)
  let end = 0
  const entries = MATRICES.map(({ tensor, shape }) => {
    const start = end
    end += 4 * shape[0] * shape[1]
    return [tensor, { dtype: 'F32', shape, data_offsets: [start, end] }]
  })
  const text = JSON.stringify(Object.fromEntries(entries))
  const json = text.padEnd(8 * Math.ceil(text.length / 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  const file = createWriteStream(FILE)
  file.write(length)
  file.write(json)
  for (const { tensor, shape } of MATRICES) {
    const data = source.values(tensor, shape, 0, shape[0] * shape[1])
    if (!file.write(Buffer.from(data.buffer))) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}

interface Figures {
  seconds: number
  wall: number
  before: number
  peak: number
  error: number
}

const HERE = import.meta.dirname
const OURS = [process.execPath, '--import', 'tsx', join(HERE, 'ours.ts')]
const THEIRS = [values.python, join(HERE, 'theirs.py')]
const QUANTISERS: Record<string, string[]> = {
  pictalk: OURS,
  onnxruntime: THEIRS,
  torch: THEIRS,
  'onnxruntime-k-quant': THEIRS,
}

function measure(quantiser: string, bits: number, tensor: string): Figures {
  const command = [...(QUANTISERS[quantiser] ?? []), quantiser, String(bits), FILE, tensor]
  // The last core, where there are several: the first often has more to do.
  const core = String(Math.max(0, Number(execFileSync('nproc').toString()) - 1))
  const env = { ...process.env, OMP_NUM_THREADS: '1' }
  const out = execFileSync('taskset', ['-c', core, ...command], { env, maxBuffer: 1e8 })
  return JSON.parse(out.toString()) as Figures
}

await writeMatrices()
console.log('| matrix | bits | quantiser | MB/s | times ours | peak MB | of it for the job | error |')
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
for (const { tensor, shape } of MATRICES) {
  for (const bits of [4, 8]) {
    const best = new Map<string, Figures>()
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const quantiser of Object.keys(QUANTISERS)) {
        const figures = measure(quantiser, bits, tensor)
        if (figures.seconds < (best.get(quantiser)?.seconds ?? Infinity)) best.set(quantiser, figures)
      }
    }
    const megabytes = (4 * shape[0] * shape[1]) / 1e6
    const ours = best.get('pictalk')?.seconds ?? NaN
    for (const [quantiser, { seconds, peak, before, error }] of best) {
      const cells = [
        shape.join(' × '),
        bits,
        quantiser,
        (megabytes / seconds).toFixed(0),
        (ours / seconds).toFixed(2),
        peak.toFixed(0),
        (peak - before).toFixed(0),
        `${(100 * error).toFixed(bits === 4 ? 2 : 3)} %`,
      ]
      console.log(`| ${cells.join(' | ')} |`)
    }
  }
}
