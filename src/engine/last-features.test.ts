import { expect, it, vi } from 'vitest'
import type { DeviceTensor } from '../runtime/ort/tensor.ts'
import { LastFeatures } from './last-features.ts'

/** Of one picture, 400 bytes. */
function features(): DeviceTensor {
  return { dims: [1, 10, 10], type: 'float32', read: () => Promise.reject(new Error()), dispose: vi.fn() }
}

it('features of the pictures that were looked at last are kept, within a bound, and each is disposed of once', () => {
  const last = new LastFeatures({ bytes: 1000, pictures: 24 })
  const [a, b, anew, c] = [features(), features(), features(), features()]
  last.put('a', a)
  last.put('b', b)
  last.put('a', anew)
  expect(a.dispose).toHaveBeenCalledOnce()
  last.put('c', c)
  expect(b.dispose).toHaveBeenCalledOnce()
  expect([last.get('a'), last.get('b'), last.get('c')]).toEqual([anew, undefined, c])
  last.remove('a')
  last.clear()
  last.clear()
  for (const one of [a, b, anew, c]) expect(one.dispose).toHaveBeenCalledOnce()
})

it('of small pictures there are not many either', () => {
  const last = new LastFeatures({ bytes: 10_000, pictures: 2 })
  const all = [features(), features(), features()]
  for (const [i, one] of all.entries()) last.put(String(i), one)
  expect(all.map((_, i) => last.get(String(i)) !== undefined)).toEqual([false, true, true])
  expect(all[0]?.dispose).toHaveBeenCalledOnce()
})
