/**
 * How well packs of each family and precision agree with transformers: every reference checkpoint (`models/reference`),
 * converted and run on WebAssembly, the worst case of all its pictures and prompts:
 *   npx tsx lab/quantisation/agreement.ts [--only lavis-t5-clip]
 * Prints rows of docs/quantisation.md: at fp32 the largest difference relative to the largest value, else root mean square
 * error relative to the reference, and of how many greedy answers the ids are those of transformers.
 */
import { parseArgs } from 'node:util'
import { PRECISIONS } from '../../src/pack/precisions.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { readFromDisk } from '../../testing/parity/files.ts'
import {
  CHECKPOINTS,
  compareWithReference,
  LAVIS_CHECKPOINTS,
  stagesOf,
  type Comparison,
  type Stage,
} from '../../testing/parity/reference.ts'

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const compute = await openCompute('wasm')

function worst(results: readonly Comparison[], stage: Stage, exact: boolean): string {
  const errors = results.map(({ worst: largest, rms }) => (exact ? largest : rms).get(stage))
  return errors.includes(undefined) ? '' : Math.max(...errors.map(Number)).toExponential(1)
}

function sameIds({ newIds: { ours, reference } }: Comparison): boolean {
  return String(ours) === String(reference)
}

const columns: Stage[] = ['image_features', 'query_output', 'query_embeddings', 'encoder_output', 'logits']
for (const name of [...CHECKPOINTS, ...LAVIS_CHECKPOINTS].filter((one) => (values.only ?? one) === one))
  for (const precision of PRECISIONS) {
    const results = await compareWithReference(readFromDisk, name, precision, compute)
    const errors = columns.map((stage) =>
      stagesOf(name).includes(stage) ? worst(results, stage, precision === 'fp32') : '',
    )
    const same = `${results.filter(sameIds).length} of ${results.length}`
    console.log(`| ${[name, precision, ...errors, same].join(' | ')} |`)
  }
