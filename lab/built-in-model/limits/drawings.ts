/**
 * Drawings that are no drawn scenes, each kind from a seed: what people try first on a model that knows scenes only.
 * Each gives the inside of an SVG of 224 × 224 units. A kind is held out whole where a measure of limits is chosen, so
 * kinds should differ from each other more than their drawings do.
 */
import type { Random } from '../../../src/scenes/random.ts'

export const SIDE = 224

export type Drawing = (random: Random) => string

export const DRAWINGS = {
  'stick figures': stickFigures,
  scribbles,
  faces,
  'words in large letters': largeWords,
  'pages of text': pageOfText,
  'windows with text': window_,
  'blank pages': blankPage,
  'bar charts': barChart,
  'line charts': lineChart,
  'pie charts': pieChart,
  'boxes and arrows': flowChart,
  'tiles and rings': pattern,
  'colour fields': colourFields,
  'outlined things': outlinedThings,
} as const satisfies Record<string, Drawing>

const INKS = ['#1a1a1a', '#26355d', '#7a1f1f', '#1f5ce6', '#333333', '#0b6623'] as const
const PAPERS = ['#ffffff', '#ffffff', '#f4efe6', '#fdf6d8', '#e8eef5'] as const
const COLOURS = [
  '#4e79a7',
  '#f28e2b',
  '#e15759',
  '#76b7b2',
  '#59a14f',
  '#edc948',
  '#b07aa1',
  '#9c755f',
] as const
const FONTS = ['DejaVu Sans', 'DejaVu Serif', 'DejaVu Sans Mono'] as const
const WORDS = (
  'HELLO welcome STOP open sale Monday thank you EXIT menu coffee hours notice draft total invoice meeting ' +
  'report question answer summary the of and to in that was for on with from have this not are but what all'
).split(' ') as [string, ...string[]]

function paper(random: Random): string {
  return `<rect width="224" height="224" fill="${random.pick(PAPERS)}"/>`
}

/** Whole number from `low` to `high`, both included. */
function whole(random: Random, low: number, high: number): number {
  return Math.floor(random.between(low, high + 1))
}

function times(count: number, one: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => one(i)).join('')
}

function words(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.pick(WORDS)).join(' ')
}

function strokes(random: Random, inside: string): string {
  const style = `fill="none" stroke="${random.pick(INKS)}" stroke-width="${random.between(1.5, 6).toFixed(1)}"`
  return `<g ${style} stroke-linecap="round" stroke-linejoin="round">${inside}</g>`
}

function stickFigures(random: Random): string {
  const figure = (): string => {
    const [x, y, s] = [random.between(50, 174), random.between(40, 80), random.between(0.6, 1.3)]
    const arms = random.between(-18, 18)
    const place = `translate(${x.toFixed(0)} ${y.toFixed(0)}) scale(${s.toFixed(2)})`
    const body = `M0 16V64M0 64L-18 100M0 64L18 100M-24 ${(40 + arms).toFixed(0)}L0 32L24 ${(40 - arms).toFixed(0)}`
    return `<g transform="${place}"><circle r="16"/><path d="${body}"/></g>`
  }
  return paper(random) + strokes(random, times(whole(random, 1, 3), figure))
}

function scribbles(random: Random): string {
  const line = (): string => {
    const points = Array.from({ length: whole(random, 4, 12) }, () =>
      [random.between(15, 209), random.between(15, 209)].map((value) => value.toFixed(0)).join(' '),
    )
    return `<path d="M${points[0] ?? ''}T${points.slice(1).join(' ')}"/>`
  }
  return paper(random) + times(whole(random, 1, 4), () => strokes(random, line()))
}

function faces(random: Random): string {
  const [r, smile] = [random.between(40, 85), random.between(-0.4, 0.6)]
  const eye = (side: number): string =>
    `<circle cx="${(side * 0.35 * r).toFixed(1)}" cy="${(-0.25 * r).toFixed(1)}" r="${random.between(2, 8).toFixed(1)}"/>`
  const mouth = `<path d="M${(-0.45 * r).toFixed(1)} ${(0.3 * r).toFixed(1)}Q0 ${((0.3 + smile) * r).toFixed(1)} ${(0.45 * r).toFixed(1)} ${(0.3 * r).toFixed(1)}"/>`
  const hair = random.next() < 0.4 ? `<path d="M${-r} -10Q0 ${(-1.9 * r).toFixed(0)} ${r} -10"/>` : ''
  const place = `translate(${random.between(85, 139).toFixed(0)} ${random.between(90, 134).toFixed(0)})`
  const all = `<g transform="${place}"><circle r="${r.toFixed(1)}"/>${eye(-1)}${eye(1)}${mouth}${hair}</g>`
  return paper(random) + strokes(random, all)
}

function text(random: Random, said: string, x: number, y: number, size: number, fill: string): string {
  const font = `font-family="${random.pick(FONTS)}" font-size="${size.toFixed(0)}"`
  return `<text x="${x.toFixed(0)}" y="${y.toFixed(0)}" ${font} fill="${fill}">${said}</text>`
}

function largeWords(random: Random): string {
  const lines = whole(random, 1, 3)
  return (
    paper(random) +
    times(lines, (i) => {
      const said = random.pick(WORDS)
      const size = Math.min(90, (random.between(180, 300) / said.length) * 1.1)
      return text(
        random,
        said,
        random.between(8, 25),
        40 + ((i + 0.5) * 170) / lines,
        size,
        random.pick(INKS),
      )
    })
  )
}

function pageOfText(random: Random): string {
  const [size, ink, font] = [random.between(7, 14), random.pick(INKS), random.pick(FONTS)]
  const lines = Math.floor(195 / (size * 1.5))
  const title = random.next() < 0.5 ? 1 : 0
  return (
    paper(random) +
    times(lines, (i) => {
      const big = i < title
      if (!big && random.next() < 0.12) return ''
      const said = words(random, big ? 2 : whole(random, 3, Math.max(4, Math.floor(320 / (size * 4)))))
      const style = `font-family="${font}" font-size="${(big ? size * 1.7 : size).toFixed(1)}" fill="${ink}"`
      return `<text x="14" y="${(24 + i * size * 1.5).toFixed(1)}" ${style}>${said}</text>`
    })
  )
}

function window_(random: Random): string {
  const dark = random.next() < 0.4
  const [back, front, ink] = dark ? ['#1e1f24', '#2b2d33', '#d8dbe2'] : ['#eceff3', '#ffffff', '#2d3340']
  const accent = random.pick(COLOURS)
  const bar = `<rect width="224" height="${whole(random, 14, 26)}" fill="${accent}"/>`
  const side = random.next() < 0.6 ? `<rect y="20" width="56" height="204" fill="${front}"/>` : ''
  const left = side === '' ? 10 : 66
  const cards = times(whole(random, 2, 5), (i) => {
    const y = 34 + i * 38
    return `<rect x="${left}" y="${y}" width="${214 - left}" height="32" rx="4" fill="${front}"/>${text(random, words(random, 3), left + 6, y + 14, 8, ink)}`
  })
  const button = `<rect x="160" y="200" width="50" height="16" rx="5" fill="${accent}"/>`
  return `<rect width="224" height="224" fill="${back}"/>${side}${bar}${cards}${button}`
}

function blankPage(random: Random): string {
  const colour = random.pick(['#ffffff', '#ffffff', '#000000', '#808080', ...PAPERS, ...COLOURS])
  const ruled = random.next()
  const gap = random.between(10, 26)
  const line = (along: boolean): string =>
    times(Math.floor(224 / gap), (i) => {
      const at = ((i + 1) * gap).toFixed(1)
      return along ? `<path d="M0 ${at}H224"/>` : `<path d="M${at} 0V224"/>`
    })
  const rules = ruled < 0.3 ? line(true) + (ruled < 0.15 ? line(false) : '') : ''
  return `<rect width="224" height="224" fill="${colour}"/><g stroke="#a8bfd8" stroke-width="1">${rules}</g>`
}

const AXES = '<path d="M24 14V200H214" fill="none" stroke="#333" stroke-width="2"/>'

function barChart(random: Random): string {
  const bars = whole(random, 3, 9)
  const width = 180 / bars
  const one = random.pick(COLOURS)
  const many = random.next() < 0.5
  const body = times(bars, (i) => {
    const height = random.between(15, 175)
    const fill = many ? (COLOURS[i % COLOURS.length] ?? one) : one
    return `<rect x="${(30 + i * width).toFixed(1)}" y="${(200 - height).toFixed(1)}" width="${(width * 0.75).toFixed(1)}" height="${height.toFixed(1)}" fill="${fill}"/>`
  })
  return `${paper(random)}${body}${AXES}${text(random, words(random, 2), 60, 216, 10, '#333')}`
}

function lineChart(random: Random): string {
  const line = (i: number): string => {
    const points = Array.from({ length: whole(random, 4, 14) }, () => random.between(25, 190))
    const step = 180 / (points.length - 1)
    const path = points.map((y, at) => `${(28 + at * step).toFixed(1)},${y.toFixed(1)}`).join(' ')
    return `<polyline points="${path}" fill="none" stroke="${COLOURS[i % COLOURS.length] ?? ''}" stroke-width="3"/>`
  }
  const grid = times(5, (i) => `<path d="M24 ${40 + i * 35}H214" stroke="#ddd"/>`)
  return paper(random) + grid + times(whole(random, 1, 4), line) + AXES
}

function pieChart(random: Random): string {
  const shares = Array.from({ length: whole(random, 3, 7) }, () => random.between(0.3, 1))
  const sum = shares.reduce((total, share) => total + share, 0)
  const r = random.between(55, 95)
  let from = 0
  const at = (turn: number): string =>
    `${(112 + r * Math.cos(2 * Math.PI * turn)).toFixed(1)} ${(112 + r * Math.sin(2 * Math.PI * turn)).toFixed(1)}`
  const body = times(shares.length, (i) => {
    const to = from + (shares[i] ?? 0) / sum
    const large = to - from > 0.5 ? 1 : 0
    const path = `M112 112L${at(from)}A${r.toFixed(1)} ${r.toFixed(1)} 0 ${large} 1 ${at(to)}Z`
    from = to
    return `<path d="${path}" fill="${COLOURS[i % COLOURS.length] ?? ''}"/>`
  })
  const hole =
    random.next() < 0.4 ? `<circle cx="112" cy="112" r="${(r * 0.5).toFixed(1)}" fill="#fff"/>` : ''
  return paper(random) + body + hole
}

function flowChart(random: Random): string {
  const boxes = whole(random, 2, 4)
  const height = 200 / boxes
  const fill = random.pick(['#ffffff', '#dae8fc', '#d5e8d4', '#fff2cc'])
  const body = times(boxes, (i) => {
    const [x, y] = [random.between(20, 90), 12 + i * height]
    const shape =
      random.next() < 0.3
        ? `<ellipse cx="${(x + 50).toFixed(0)}" cy="${(y + height * 0.3).toFixed(0)}" rx="50" ry="${(height * 0.3).toFixed(0)}"/>`
        : `<rect x="${x.toFixed(0)}" y="${y.toFixed(0)}" width="100" height="${(height * 0.6).toFixed(0)}" rx="4"/>`
    const arrow = `<path d="M${(x + 50).toFixed(0)} ${(y + height * 0.6).toFixed(0)}v${(height * 0.38).toFixed(0)}m-5 -6l5 6l5 -6"/>`
    return `<g fill="${fill}" stroke="#333" stroke-width="2">${shape}${arrow}</g>${text(random, random.pick(WORDS), x + 20, y + height * 0.35, 12, '#333')}`
  })
  return paper(random) + body
}

function pattern(random: Random): string {
  const [a, b] = random.sample([...COLOURS, '#ffffff', '#000000'], 2)
  const kind = random.pick(['rings', 'tiles', 'rays', 'triangles'])
  const n = whole(random, 3, 10)
  const ground = `<rect width="224" height="224" fill="${a ?? ''}"/>`
  if (kind === 'rings')
    return (
      ground +
      times(
        n,
        (i) =>
          `<circle cx="112" cy="112" r="${((150 * (n - i)) / n).toFixed(1)}" fill="${(i % 2 === 0 ? b : a) ?? ''}"/>`,
      )
    )
  if (kind === 'rays')
    return (
      ground + times(n, (i) => `<path d="M112 112L${ray(i / n)}L${ray((i + 0.5) / n)}Z" fill="${b ?? ''}"/>`)
    )
  const cell = 224 / n
  const shape = kind === 'tiles' ? 'M0 0h1v1h-1z' : 'M0 1L0.5 0L1 1Z'
  return (
    ground +
    times(n * n, (i) => {
      const [x, y] = [i % n, Math.floor(i / n)]
      const shown = kind === 'triangles' || (x + y) % 2 === 0
      return shown
        ? `<path transform="translate(${(x * cell).toFixed(1)} ${(y * cell).toFixed(1)}) scale(${cell.toFixed(2)})" d="${shape}" fill="${b ?? ''}"/>`
        : ''
    })
  )
}

function ray(turn: number): string {
  return `${(112 + 200 * Math.cos(2 * Math.PI * turn)).toFixed(1)} ${(112 + 200 * Math.sin(2 * Math.PI * turn)).toFixed(1)}`
}

/** Rectangles of colour with black bars between them, now and then without. */
function colourFields(random: Random): string {
  const cuts = (): number[] =>
    [0, ...random.sample([40, 70, 100, 130, 160, 190], whole(random, 1, 3)), 224].sort((x, y) => x - y)
  const [columns, rows] = [cuts(), cuts()]
  const bars = random.next() < 0.6 ? 'stroke="#111" stroke-width="7"' : ''
  const fills = ['#ffffff', '#f5f5f0', '#d62828', '#1d4ed8', '#facc15', ...COLOURS] as const
  return columns
    .slice(1)
    .flatMap((right, i) =>
      rows.slice(1).map((bottom, k) => {
        const [left, top] = [columns[i] ?? 0, rows[k] ?? 0]
        return `<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" fill="${random.pick(fills)}" ${bars}/>`
      }),
    )
    .join('')
}

/** Things as children draw them, in lines: a house, a sun, a tree, a fish, a hill, a boat. */
const OUTLINES = [
  'M20 90V45L50 15L80 45V90ZM42 90V62H58V90',
  'M50 50m-20 0a20 20 0 1 0 40 0a20 20 0 1 0 -40 0M50 5V20M50 80V95M5 50H20M80 50H95M18 18L29 29M71 71L82 82M18 82L29 71M71 29L82 18',
  'M45 95V60M55 95V60M50 60C10 60 20 5 50 8C80 5 90 60 50 60Z',
  'M15 50Q45 15 75 50Q45 85 15 50ZM75 50L95 32V68ZM32 45h1',
  'M2 90L35 25L58 65L70 45L98 90Z',
  'M10 65H90L76 88H24ZM50 65V10L80 55H50',
  'M20 30H80V80H20ZM20 30L35 15H95L80 30M95 15V65L80 80',
  'M50 20C20 -5 -5 40 50 85C105 40 80 -5 50 20Z',
] as const

function outlinedThings(random: Random): string {
  const thing = (i: number): string => {
    const scale = random.between(0.6, 1.1)
    const [x, y] = [(i % 2) * 105 + random.between(0, 15), Math.floor(i / 2) * 105 + random.between(0, 15)]
    return `<path transform="translate(${x.toFixed(0)} ${y.toFixed(0)}) scale(${scale.toFixed(2)})" d="${random.pick(OUTLINES)}"/>`
  }
  return paper(random) + strokes(random, times(whole(random, 1, 4), thing))
}
