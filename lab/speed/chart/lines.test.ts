import { expect, it } from 'vitest'
import { lineChart, type Line } from './lines.ts'

const LINES: Line[] = [
  {
    label: 'with <both',
    ours: true,
    points: [
      { x: 1500, share: 0.5 },
      { x: 3000, share: 1 },
    ],
  },
  { label: 'without', ours: false, points: [{ x: 1500, share: 0.25 }] },
]
const PANELS = ['captions', 'questions'].map((title) => ({ title, lines: LINES }))
const SVG = lineChart('Two & more', 'where', { x: 'steps', y: 'right' }, PANELS)

/** End points of every drawn line. */
function pathsOf(svg: string, kind: string): [number, number][][] {
  const paths = [...svg.matchAll(new RegExp(`class="line ${kind}" d="M([^"h]+)"`, 'g'))]
  return paths.map(([, points = '']) =>
    points.split('L').map((point) => point.split(' ').map(Number) as [number, number]),
  )
}

it('draws each run once in each panel and once in the legend', () => {
  expect(SVG.match(/class="line ours"/g)).toHaveLength(PANELS.length + 1)
  expect(SVG.match(/class="line other"/g)).toHaveLength(PANELS.length + 1)
  for (const text of ['captions', 'questions', 'steps', 'right', 'with &lt;both', 'Two &amp; more'])
    expect(SVG).toContain(`>${text}<`)
})

it('puts points where step and share are, on the same axes in every panel', () => {
  const [first = [], second = []] = pathsOf(SVG, 'ours')
  expect(first).toHaveLength(2)
  const [[x1, y1] = [0, 0], [x2, y2] = [0, 0]] = first
  const [[x3, y3] = [0, 0]] = second
  const [[[x4, y4] = [0, 0]] = []] = pathsOf(SVG, 'other')
  expect(y1).toBe(y3)
  expect(x3).toBeGreaterThan(x2)
  expect(x4).toBe(x1)
  expect(y4 - y2).toBeCloseTo(1.5 * (y1 - y2))
})

it('is readable on a dark page and has numbers on both axes', () => {
  expect(SVG).toContain('prefers-color-scheme: dark')
  expect(SVG).toContain('>100 %<')
  expect(SVG).toContain('>1,000<')
})

it('does not stumble over a run without points', () => {
  const empty = lineChart('', '', { x: '', y: '' }, [
    { title: '', lines: [{ label: '', ours: true, points: [] }] },
  ])
  expect(empty).not.toContain('NaN')
})
