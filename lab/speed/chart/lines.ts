/** Shares over steps as SVG: a panel for each thing that was measured, in each a line for each run. */
import { escaped, MARGIN, pageSvg, ticksTo, TOP, WIDTH } from './page.ts'

export interface Point {
  x: number
  /** 0 to 1. */
  share: number
}

export interface Line {
  label: string
  /** Ours is drawn through and in the accent colour, the other one dashed. */
  ours: boolean
  points: readonly Point[]
}

export interface LinePanel {
  title: string
  lines: readonly Line[]
}

export interface Axes {
  x: string
  y: string
}

const LEGEND = 30
/** Room for the numbers of the upright axis, and between panels. */
const NUMBERS = 44
const GAP = 42
const TITLE = 40
const HEIGHT = 200
const BELOW = 58
const SHARES = [0, 0.25, 0.5, 0.75, 1]
/** More than these numbers do not fit below a panel. */
const MOST_TICKS = 4

const STROKES = {
  light: [
    '.line { fill: none; stroke-width: 2.5; stroke-linejoin: round } .line.ours { stroke: #0b6e5f }',
    '.line.other { stroke: #6e7781; stroke-dasharray: 6 4 }',
  ],
  dark: ['.line { fill: none } .line.ours { stroke: #35b79f } .line.other { stroke: #9198a1 }'],
}

/** Panels side by side; all share both axes, so that they can be compared. */
export function lineChart(title: string, subtitle: string, axes: Axes, panels: readonly LinePanel[]): string {
  const most = Math.max(
    1,
    ...panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(({ x }) => x))),
  )
  const width = (WIDTH - 2 * MARGIN - NUMBERS - (panels.length - 1) * GAP) / panels.length
  const top = TOP + LEGEND + TITLE
  const drawn = panels.map((panel, i) => {
    const left = MARGIN + NUMBERS + i * (width + GAP)
    return panelSvg(panel, { left, top, width, most, numbered: i === 0 })
  })
  const bottom = top + HEIGHT
  const labels = [
    `<text class="faint" x="${MARGIN}" y="${top - 16}">${escaped(axes.y)}</text>`,
    `<text class="faint" x="${WIDTH / 2}" y="${bottom + 40}" text-anchor="middle">${escaped(axes.x)}</text>`,
  ]
  const parts = [...legend(panels[0]?.lines ?? []), ...labels, ...drawn]
  return pageSvg({ title, subtitle }, bottom + BELOW, parts, STROKES)
}

function legend(lines: readonly Line[]): string[] {
  let x = MARGIN
  return lines.flatMap((line) => {
    const at = x
    x += 60 + 7.2 * line.label.length
    return [
      `<path class="${classOf(line)}" d="M${at} ${TOP}h32"/>`,
      `<text x="${at + 40}" y="${TOP + 5}">${escaped(line.label)}</text>`,
    ]
  })
}

interface Frame {
  left: number
  top: number
  width: number
  /** The last step there is. */
  most: number
  numbered: boolean
}

function panelSvg({ title, lines }: LinePanel, { left, top, width, most, numbered }: Frame): string {
  const bottom = top + HEIGHT
  const x = (value: number): string => (left + (value / most) * width).toFixed(1)
  const y = (share: number): string => (bottom - share * HEIGHT).toFixed(1)
  const across = SHARES.flatMap((share) => [
    `<line class="grid" x1="${x(0)}" x2="${x(most)}" y1="${y(share)}" y2="${y(share)}"/>`,
    ...(numbered
      ? [
          `<text class="faint" x="${left - 8}" y="${Number(y(share)) + 4}" text-anchor="end">${share * 100} %</text>`,
        ]
      : []),
  ])
  const steps = ticksTo(most).filter((tick) => tick <= most)
  const every = Math.ceil(steps.length / MOST_TICKS)
  const upright = steps
    .filter((_, i) => i % every === 0)
    .map(
      (tick) =>
        `<text class="faint" x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${tick.toLocaleString('en')}</text>`,
    )
  const paths = lines.map((line) => {
    const [first, ...rest] = line.points.map((point) => `${x(point.x)} ${y(point.share)}`)
    return first === undefined
      ? ''
      : `<path class="${classOf(line)}" d="M${[first, ...rest].join('L')}"><title>${escaped(line.label)}</title></path>`
  })
  return [
    `<text class="title" x="${left + width / 2}" y="${top - 16}" text-anchor="middle">${escaped(title)}</text>`,
    ...across,
    ...upright,
    ...paths,
  ].join('\n')
}

function classOf({ ours }: Line): string {
  return `line ${ours ? 'ours' : 'other'}`
}
