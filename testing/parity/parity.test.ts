import { describe, expect, it } from 'vitest'
import { PRECISIONS, type Precision } from '../../src/pack/precisions.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { openTokenizer } from '../../src/runtime/talk/tokenizer.ts'
import {
  CHECKPOINTS,
  compareWithReference,
  convertReference,
  readReference,
  isT5,
  stagesOf,
} from './reference.ts'
import { readFromDisk } from './files.ts'

/** RMS error of any stage relative to the reference, a third above the largest that was measured (docs/quantisation.md). */
const BOUNDS: Record<Exclude<Precision, 'fp32'>, number> = { fp16: 2e-3, q8: 0.03, q4: 0.4, q4f16: 0.4 }

/** T5's scores are not scaled, so that small random ones react to every change of a weight. */
const T5_BOUNDS: typeof BOUNDS = { fp16: 0.03, q8: 0.3, q4: 1.2, q4f16: 1.2 }

describe.each(CHECKPOINTS)('%s on WebAssembly', (name) => {
  const bounds = isT5(name) ? T5_BOUNDS : BOUNDS

  it('agrees with transformers at fp32 on every stage and every token', async () => {
    for (const result of await compareWithReference(readFromDisk, name, 'fp32', await openCompute('wasm'))) {
      expect(result.promptIds.ours).toEqual(result.promptIds.reference)
      for (const stage of stagesOf(name))
        expect(result.worst.get(stage), `${stage} for "${result.prompt}"`).toBeLessThan(1e-4)
      expect(result.newIds.ours).toEqual(result.newIds.reference)
      expect(result.text.ours).toBe(result.text.reference)
    }
    expect(liveTensorCount()).toBe(0)
  })

  it.each(PRECISIONS.filter((precision) => precision !== 'fp32'))(
    'stays within the stated bound at %s',
    async (precision) => {
      for (const result of await compareWithReference(
        readFromDisk,
        name,
        precision,
        await openCompute('wasm'),
      )) {
        if (process.env['PRINT_PARITY']) console.warn(name, precision, JSON.stringify([...result.rms]))
        for (const stage of stagesOf(name))
          expect(result.rms.get(stage), `${stage} for "${result.prompt}"`).toBeLessThan(bounds[precision])
      }
      expect(liveTensorCount()).toBe(0)
    },
  )

  it('cuts text into the ids that the reference tokenizer gives', async () => {
    const tokenizer = await openTokenizer(await convertReference(readFromDisk, name, 'q4'))
    const { tokenizerCases } = await readReference(readFromDisk, name)
    // OPT has its BOS in front, T5 its ending token behind.
    const form = (own: number[]): number[] => (isT5(name) ? [...own, 1] : [2, ...own])
    for (const { text, ids } of tokenizerCases)
      expect(form(tokenizer?.encode(text) ?? []), JSON.stringify(text)).toEqual(ids)
  })
})
