import { expect, it } from 'vitest'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { chatFeatureErrors } from './chat-features.ts'
import { readFromDisk } from './files.ts'

it.each([
  ['short-tied', 2],
  ['untied', 2],
  ['t5-untied', 1],
] as const)('%s pools a picture, and OPT reads a text by itself, as in transformers', async (name, count) => {
  const errors = await chatFeatureErrors(readFromDisk, name, await openCompute('wasm'))
  if (process.env['PRINT_PARITY']) for (const line of errors) console.warn(name, ...line)
  expect(errors.size).toBe(count)
  for (const [what, error] of errors) expect(error, what).toBeLessThan(1e-4)
  expect(liveTensorCount()).toBe(0)
})
