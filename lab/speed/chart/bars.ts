/** Horizontal bars as SVG. */
import { escaped, MARGIN, pageSvg, ticksTo, TOP, WIDTH } from './page.ts'

export interface Bar {
  label: string
  value: number
  /** Ours is drawn in the accent colour. */
  ours: boolean
}

export interface Panel {
  title: string
  /** What the length of a bar is, with its unit. */
  axis: string
  bars: Bar[]
}

const LABELS = 220
/** Room behind the longest bar for its value. */
const VALUES = 70
const ROW = 26
const BAR = 16
/** Title above and axis below the bars of a panel, and the space to the next. */
const ABOVE = 34
const BELOW = 44

/** The whole chart: a title, a line of circumstances, and panels below each other. */
export function barChart(title: string, subtitle: string, panels: readonly Panel[]): string {
  const parts: string[] = []
  let y = TOP
  for (const panel of panels) {
    parts.push(panelSvg(panel, y))
    y += ABOVE + panel.bars.length * ROW + BELOW
  }
  return pageSvg({ title, subtitle }, y, parts)
}

function panelSvg({ title, axis, bars }: Panel, top: number): string {
  const left = MARGIN + LABELS
  const room = WIDTH - MARGIN - VALUES - left
  const ticks = ticksTo(Math.max(...bars.map(({ value }) => value)))
  const scale = room / (ticks.at(-1) ?? 1)
  const first = top + ABOVE
  const bottom = first + bars.length * ROW
  const lines = ticks.flatMap((tick) => {
    const x = (left + tick * scale).toFixed(1)
    return [
      `<line class="grid" x1="${x}" x2="${x}" y1="${first - 4}" y2="${bottom}"/>`,
      `<text class="faint" x="${x}" y="${bottom + 16}" text-anchor="middle">${tick}</text>`,
    ]
  })
  const drawn = bars.flatMap(({ label, value, ours }, i) => {
    const middle = first + i * ROW + BAR / 2
    const length = Math.max(1, value * scale).toFixed(1)
    return [
      `<text x="${left - 8}" y="${middle + 5}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="${ours ? 'ours' : 'other'}" x="${left}" y="${middle - BAR / 2}" width="${length}" height="${BAR}" rx="2"/>`,
      `<text class="value" x="${(left + Number(length) + 6).toFixed(1)}" y="${middle + 5}">${shortNumber(value)}</text>`,
    ]
  })
  return [
    `<text class="title" x="${MARGIN}" y="${top + 16}">${escaped(title)}</text>`,
    ...lines,
    ...drawn,
    `<text class="faint" x="${left}" y="${bottom + 32}">${escaped(axis)}</text>`,
  ].join('\n')
}

/** Three significant digits, whole from 100 on. */
export function shortNumber(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}
