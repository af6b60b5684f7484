import { describe, expect, it } from 'vitest'
import { PRECISIONS, type Precision } from '../../src/pack/precisions.ts'
import { graphProblem } from '../../src/convert/graph-check.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { openRetrievalModel } from '../../src/runtime/models/models.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { convertReference } from './reference.ts'
import { readIn } from './files.ts'
import { readRetrievalReference, RETRIEVAL_CHECKPOINTS, retrievalErrors } from './retrieval.ts'

/** Another folder of checkpoints, such as one that `make_retrieval.py --random` made, is compared by naming it. */
const ROOT = process.env['RETRIEVAL_REFERENCE'] ?? 'models/reference'
const read = readIn(ROOT)
const NAMES: readonly string[] = process.env['RETRIEVAL_NAMES']?.split(',') ?? RETRIEVAL_CHECKPOINTS

/** The one whose matrices are wide enough to be quantised; its own weights have 16 bits. */
const QUANTISED = NAMES.filter((name) => name !== 'itm-odd' && name !== 'itm-brain')

/** Largest error over the largest value of any stage, a third above what was measured. */
const BOUNDS: Record<Exclude<Precision, 'fp32'>, number> = { fp16: 1e-4, q8: 0.1, q4: 0.9, q4f16: 0.9 }

describe.each(NAMES)('%s on WebAssembly', (name) => {
  it('agrees with transformers at fp32 in every call', async () => {
    const errors = await retrievalErrors(
      read,
      name,
      await convertReference(read, name, 'fp32'),
      await openCompute('wasm'),
    )
    expect(errors.size).toBeGreaterThan(40)
    if (process.env['PRINT_PARITY']) for (const line of errors) console.warn(name, ...line)
    for (const [call, error] of errors) expect(error, call).toBeLessThan(1e-4)
    expect(liveTensorCount()).toBe(0)
  })

  it('cuts text into the ids that the reference tokenizer gives', async () => {
    const { tokenizerCases } = await readRetrievalReference(read, name)
    const model = await openRetrievalModel(
      await convertReference(read, name, 'fp32'),
      await openCompute('wasm'),
    )
    const { positions } = model.manifest.parts['text-q-former'].shape
    for (const { text, ids } of tokenizerCases.filter((one) => one.ids.length <= positions))
      expect(model.textIds(text), JSON.stringify(text)).toEqual(ids)
    expect(() => model.textIds('red '.repeat(positions))).toThrow(
      expect.objectContaining({ code: 'prompt-too-long' }),
    )
    await model.dispose()
  })
})

describe.each(QUANTISED)('%s on WebAssembly', (name) => {
  it.each(PRECISIONS.filter((precision) => precision !== 'fp32'))(
    'stays within the stated bound at %s, with graphs that are what the manifest says',
    async (precision) => {
      const pack = await convertReference(read, name, precision)
      for (const { path } of pack.manifest.files.filter((file) => file.path.endsWith('.onnx'))) {
        const bytes = new Uint8Array(await new Blob([await pack.file(path)]).arrayBuffer())
        expect(graphProblem(pack.manifest, path, bytes)).toBeNull()
      }
      const errors = await retrievalErrors(read, name, pack, await openCompute('wasm'))
      if (process.env['PRINT_PARITY']) console.warn(name, precision, Math.max(...errors.values()))
      for (const [call, error] of errors) expect(error, call).toBeLessThan(BOUNDS[precision])
      expect(liveTensorCount()).toBe(0)
    },
  )
})
