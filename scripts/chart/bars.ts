/** Horizontal bars as SVG, readable on a light and on a dark page. */

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

const WIDTH = 760
const LABELS = 220
/** Room behind the longest bar for its value. */
const VALUES = 70
const MARGIN = 24
const ROW = 26
const BAR = 16
/** Title above and axis below the bars of a panel, and the space to the next. */
const ABOVE = 34
const BELOW = 44

const STYLE = `
  .page { fill: #ffffff } .title { fill: #1f2328; font-weight: 600 } text { fill: #1f2328; font: 13px system-ui, sans-serif }
  .big { font-size: 17px; font-weight: 600 } .title { font-size: 14px } .faint { fill: #59636e; font-size: 12px }
  .grid { stroke: #d1d9e0 } .other { fill: #8c959f } .ours { fill: #0b6e5f }
  .value { stroke: #ffffff; stroke-width: 5px; paint-order: stroke }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .title, text { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #3d444d }
    .other { fill: #6e7681 } .ours { fill: #35b79f } .value { stroke: #0d1117 }
  }`

/** The whole chart: a title, a line of circumstances, and panels below each other. */
export function barChart(title: string, subtitle: string, panels: readonly Panel[]): string {
  const parts: string[] = []
  let y = 84
  for (const panel of panels) {
    parts.push(panelSvg(panel, y))
    y += ABOVE + panel.bars.length * ROW + BELOW
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${y}" rx="8"/>`,
    `<text class="big" x="${MARGIN}" y="36">${escaped(title)}</text>`,
    `<text class="faint" x="${MARGIN}" y="58">${escaped(subtitle)}</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
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

/** 0 and up to six round numbers, the last at or above `most`. */
export function ticksTo(most: number): number[] {
  const rough = most / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10)
  const count = Math.ceil(most / step - 1e-9)
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(6)))
}

/** Three significant digits, whole from 100 on. */
export function shortNumber(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
