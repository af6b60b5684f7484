/**
 * How well packs of each family and precision agree with transformers: every reference checkpoint (`models/reference`),
 * converted and run, the worst case of all its pictures and prompts:
 *   npx tsx lab/quantisation/agreement.ts [--only lavis-t5-clip] [--precisions fp16,q4f16] [--provider wasm|webgpu]
 * `webgpu` is Dawn, on the adapter of PICTALK_DAWN_FLAGS; Mesa's software driver has `shader-f16`, so that graphs in float16
 * compute in it there. Prints rows of docs/quantisation.md: at fp32 the largest difference relative to the largest value,
 * else root mean square error relative to the reference, and of how many greedy answers the ids are those of transformers.
 * Of models that compare, the largest differences relative to the largest value, whatever the precision.
 */
import { parseArgs } from 'node:util'
import { openProvider } from '../../src/cli/provider.ts'
import { PRECISIONS, type Precision } from '../../src/pack/precisions.ts'
import { readFromDisk } from '../../testing/parity/files.ts'
import {
  CHECKPOINTS,
  compareWithReference,
  convertReference,
  LAVIS_CHECKPOINTS,
  stagesOf,
  type CheckpointName,
  type Comparison,
  type Stage,
} from '../../testing/parity/reference.ts'
import { RETRIEVAL_CHECKPOINTS, retrievalErrors } from '../../testing/parity/retrieval.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    precisions: { type: 'string' },
    provider: { type: 'string', default: 'wasm' },
  },
})
const remark = (line: string): void => console.error(line)
const compute = await openProvider(
  { provider: values.provider === 'webgpu' ? 'webgpu' : 'wasm' },
  { signal: new AbortController().signal, print: remark, remark },
)
const precisions = PRECISIONS.filter((one) => values.precisions?.split(',').includes(one) ?? true)
const isWanted = (name: string): boolean => (values.only ?? name) === name

function row(...cells: readonly string[]): void {
  console.log(`| ${cells.join(' | ')} |`)
}

function worst(results: readonly Comparison[], stage: Stage, exact: boolean): string {
  const errors = results.map(({ worst: largest, rms }) => (exact ? largest : rms).get(stage))
  return errors.includes(undefined) ? '' : Math.max(...errors.map(Number)).toExponential(1)
}

function sameIds({ newIds: { ours, reference } }: Comparison): boolean {
  return String(ours) === String(reference)
}

const columns: Stage[] = ['image_features', 'query_output', 'query_embeddings', 'encoder_output', 'logits']

async function printWriter(name: CheckpointName, precision: Precision): Promise<void> {
  const results = await compareWithReference(readFromDisk, name, precision, compute)
  const errors = columns.map((stage) =>
    stagesOf(name).includes(stage) ? worst(results, stage, precision === 'fp32') : '',
  )
  row(name, precision, ...errors, `${results.filter(sameIds).length} of ${results.length}`)
}

/** Calls of stage 1, in the order of their columns. */
const CALLS = [
  'vision',
  'image features',
  'text features',
  'multimodal features',
  'contrast',
  'matching',
  'attention',
]

async function printComparer(name: string, precision: Precision): Promise<void> {
  const pack = await convertReference(readFromDisk, name, precision)
  const errors = await retrievalErrors(readFromDisk, name, pack, compute)
  const largest = (call: string): number =>
    Math.max(...[...errors].filter(([key]) => key.startsWith(call)).map(([, error]) => error))
  row(name, precision, ...CALLS.map((call) => largest(call).toExponential(1)))
}

for (const name of [...CHECKPOINTS, ...LAVIS_CHECKPOINTS].filter(isWanted))
  for (const precision of precisions) await printWriter(name, precision)
for (const name of RETRIEVAL_CHECKPOINTS.filter(isWanted))
  for (const precision of precisions) await printComparer(name, precision)
