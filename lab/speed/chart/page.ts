/** What every chart stands on: title, line of circumstances and colours, readable on a light and on a dark page. */

export const WIDTH = 760
export const MARGIN = 24
/** Where what is below title and subtitle begins. */
export const TOP = 84

/** What a kind of chart draws with beside that: rules of CSS, one a line. */
export interface Strokes {
  light: readonly string[]
  dark: readonly string[]
}

const style = ({ light, dark }: Strokes): string => `
  .page { fill: #ffffff } .title { fill: #1f2328; font-weight: 600 } text { fill: #1f2328; font: 13px system-ui, sans-serif }
  .big { font-size: 17px; font-weight: 600 } .title { font-size: 14px } .faint { fill: #59636e; font-size: 12px }
  .grid { stroke: #d1d9e0 } .other { fill: #8c959f } .ours { fill: #0b6e5f }
${light.map((rule) => `  ${rule}\n`).join('')}  .value { stroke: #ffffff; stroke-width: 5px; paint-order: stroke }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .title, text { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #3d444d }
    .other { fill: #6e7681 } .ours { fill: #35b79f } .value { stroke: #0d1117 }
${dark.map((rule) => `    ${rule}\n`).join('')}  }`

export interface Heading {
  title: string
  subtitle: string
}

export function pageSvg(
  { title, subtitle }: Heading,
  height: number,
  parts: readonly string[],
  strokes: Strokes = { light: [], dark: [] },
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style(strokes)}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="8"/>`,
    `<text class="big" x="${MARGIN}" y="36">${escaped(title)}</text>`,
    `<text class="faint" x="${MARGIN}" y="58">${escaped(subtitle)}</text>`,
    ...parts,
    '</svg>\n',
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

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
