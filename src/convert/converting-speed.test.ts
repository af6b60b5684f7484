import { expect, it } from 'vitest'
import { convertingSpeed } from './converting-speed.ts'

it('is what converting takes, and no more than the rest of it allows', () => {
  const [quick, slow] = (['fp32', 'q4'] as const).map((precision) => convertingSpeed(precision))
  for (const speed of [quick, slow]) {
    expect(speed).toBeGreaterThan(1e5)
    expect(speed).toBeLessThan(40e6)
  }
  let at = 0
  // 512 kB in 100 ms by this clock, half again as long in bands, and the rest.
  expect(convertingSpeed('q8', () => (at += 100))).toBeCloseTo(1 / ((1.5 * 0.1) / 524_288 + 1 / 40e6), -3)
})
