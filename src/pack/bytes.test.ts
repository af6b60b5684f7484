import { afterEach, expect, it, vi } from 'vitest'
import { sha256Hex } from './bytes.ts'

afterEach(() => vi.unstubAllGlobals())

const TEXT = new TextEncoder().encode('xabcx')
/** FIPS 180-4's first example: the hash of "abc". */
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

it.each([
  ['with the browser’s own function', false],
  ['without it, as on a page that came over plain http', true],
])('hashes %s', async (_, withheld) => {
  if (withheld) vi.stubGlobal('crypto', { getRandomValues: () => undefined })
  const part = TEXT.subarray(1, 4)
  expect(await sha256Hex(part)).toBe(ABC)
  expect(await sha256Hex(part.slice().buffer)).toBe(ABC)
  expect(await sha256Hex(new DataView(TEXT.buffer, 1, 3))).toBe(ABC)
})
