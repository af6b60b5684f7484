import { expect, it } from 'vitest'
import { convertingSpeed } from './converting-speed.ts'

it('is what converting takes, and no more than the rest of it allows', () => {
  const [quick, slow] = (['fp32', 'q4'] as const).map((precision) => convertingSpeed(precision))
  for (const speed of [quick, slow]) {
    expect(speed).toBeGreaterThan(1e5)
    expect(speed).toBeLessThan(400e6)
  }
  let at = 0
  // 262,144 weights in 100 ms by this clock, and the rest for each byte.
  const secondsPerWeight = 0.1 / 262_144
  for (const bytes of [2, 4])
    expect(convertingSpeed('q8', bytes, () => (at += 100))).toBeCloseTo(
      1 / (secondsPerWeight / bytes + 1 / 400e6),
      -3,
    )
})
