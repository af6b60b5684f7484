import { expect, it } from 'vitest'
import { barChart, shortNumber } from './bars.ts'
import { ticksTo } from './page.ts'

it('puts round numbers on the axis, from 0 to no less than the longest bar', () => {
  expect(ticksTo(22.1)).toEqual([0, 5, 10, 15, 20, 25])
  expect(ticksTo(1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
  expect(ticksTo(0.37)).toEqual([0, 0.1, 0.2, 0.3, 0.4])
  expect(ticksTo(671)).toEqual([0, 200, 400, 600, 800])
})

it('writes values with the digits they are worth', () => {
  expect([0.12345, 2.7, 22.14, 1234.5].map(shortNumber)).toEqual(['0.123', '2.7', '22.1', '1,235'])
})

it('draws every bar with its label and value, and what is text stays text', () => {
  const bars = [
    { label: 'ours & recorded', value: 2, ours: true },
    { label: 'a < b', value: 4, ours: false },
  ]
  const svg = barChart('Title', 'Where', [{ title: 'Panel', axis: 'ms', bars }])
  const widths = [...svg.matchAll(/class="(?:ours|other)" [^>]*width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  )
  expect(widths).toHaveLength(2)
  expect((widths[1] ?? 0) / (widths[0] ?? 0)).toBeCloseTo(2)
  expect(svg).toContain('>ours &amp; recorded<')
  expect(svg).toContain('>a &lt; b<')
  expect(svg).toContain('prefers-color-scheme: dark')
  // Rules of the other kind of chart would change every chart that is drawn anew.
  expect(svg).not.toContain('.line')
})
