import { expect, it } from 'vitest'
import { splitsOf } from '../kernels/tile/tile.ts'

/** OPT-2.7B's products. */
const SHAPES = { qkv: [7680, 2560], output: [2560, 2560], fc1: [10_240, 2560], fc2: [2560, 10_240] } as const

it.each<[keyof typeof SHAPES, [number, number, number, number, number]]>([
  // 5 rows, 20, 40, 100 and 256.
  ['qkv', [5, 5, 3, 1, 1]],
  ['output', [16, 16, 8, 4, 2]],
  ['fc1', [4, 4, 2, 1, 1]],
  ['fc2', [16, 16, 8, 4, 2]],
])('cuts the inner dimension of %s where tiles would leave a card idle', (name, splits) => {
  const [outputs, inputs] = SHAPES[name]
  expect([5, 20, 40, 100, 256].map((rows) => splitsOf({ inputs, outputs, wanted: 640 }, rows))).toEqual(
    splits,
  )
})

it('cuts it into no more parts than pay, and into no smaller ones than a chunk', () => {
  expect(splitsOf({ inputs: 2560, outputs: 64, wanted: 640 }, 5)).toBe(16)
  expect(splitsOf({ inputs: 96, outputs: 64, wanted: 640 }, 5)).toBe(3)
})
