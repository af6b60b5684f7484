import { expect, it } from 'vitest'
import { importOrt } from './build.ts'

it('A runtime that never arrives is given up in a sentence, and so is one that cannot be fetched', async () => {
  await expect(importOrt('wasm', () => new Promise(() => undefined), 20)).rejects.toMatchObject({
    code: 'stalled',
    message: 'The part of this page that runs models did not arrive in time; try again.',
  })
  await expect(importOrt('wasm', () => Promise.reject(new TypeError('Failed')))).rejects.toMatchObject({
    code: 'network',
    message: 'The part of this page that runs models could not be fetched; try again when you are online.',
  })
})
