/**
 * A checkpoint whose weights went through a conversion and back, so that Python can measure what it costs:
 *   npx tsx lab/built-in-model/as-converted.ts --from <checkpoint> --precision q4 --out <folder>
 * Weights are written in float32, holding the values that the pack's kernels would work with; the other files are
 * copied.
 */
import { mkdir, readdir, copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { folderTree } from '../../src/cli/files.ts'
import { writeSafetensors, type NamedTensor } from '../../src/cli/safetensors-file.ts'
import { openForConversion } from '../../src/convert/convert.ts'
import { PRECISIONS } from '../../src/pack/precisions.ts'
import { readBack } from './as-converted/read-back.ts'

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: 'models/drawn-scenes/retrieval-checkpoint' },
    precision: { type: 'string', default: 'q8' },
    out: { type: 'string' },
  },
})

async function main(): Promise<void> {
  const { from, out } = values
  if (out === undefined) throw new Error('--out is missing.')
  const precision = PRECISIONS.find((known) => known === values.precision)
  if (precision === undefined) throw new Error(`--precision may be ${PRECISIONS.join(', ')}.`)
  const { checkpoint, plan } = await openForConversion(folderTree(from), precision, {})
  const parts = await Promise.all(plan.weights.map((weights) => readBack(weights, checkpoint)))
  const converted = new Map(parts.flatMap((part) => [...part]))
  const tensors: NamedTensor[] = []
  for (const [name, { shape }] of checkpoint.tensors) {
    const found = converted.get(name)
    if (found !== undefined) tensors.push({ name, shape: [...shape], values: found })
    // A stored copy of a tied head is tied again when it is loaded.
    else if (!name.endsWith('lm_head.weight')) throw new Error(`Nothing says how ${name} would be stored.`)
  }
  await mkdir(out, { recursive: true })
  for (const name of await readdir(from))
    if (!name.includes('.safetensors')) await copyFile(join(from, name), join(out, name))
  await writeSafetensors(join(out, 'model.safetensors'), tensors)
}

await main()
