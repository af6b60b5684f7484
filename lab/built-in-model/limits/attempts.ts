/**
 * What people try on the built-in model once they have seen what it knows, by kind, each from a seed: its own shapes in
 * another hand, shapes that it has not, drawings, signs, screens, its own scenes on their way through other programs. With
 * each picture goes what there is in it that the model has a word for, so that a caption can be true or not. Another hand
 * than `drawings.ts`, which the measure was fitted to.
 */
import sharp, { type Sharp } from 'sharp'
import { asDrawn } from '../../../models/drawn-scenes/photograph.ts'
import { drawingOf } from '../../../src/scenes/drawings.ts'
import { parseCaption } from '../../../src/scenes/judge.ts'
import {
  COLOUR_NAMES,
  COLOURS,
  isColoured,
  KINDS,
  SHAPE_KINDS,
  type Colour,
  type Kind,
  type ShapeKind,
} from '../../../src/scenes/kinds.ts'
import type { Random } from '../../../src/scenes/random.ts'
import { FIRST_HELD_OUT_SEED, makeScene, type Scene } from '../../../src/scenes/scene.ts'

/** Something in a picture that the model has a word for, and the colours that it may be said to have. */
export interface Thing {
  kind: Kind
  colours: readonly Colour[]
}

export interface Attempt {
  picture: Sharp
  /** All of them; what the model has no word for is not among them. */
  things: readonly Thing[]
}

export type AttemptOf = (random: Random) => Attempt | Promise<Attempt>

/** Whether a caption names what there is that has a name, each as often as it is there, in colours that it has. */
export function isTrue(caption: string, things: readonly Thing[]): boolean {
  const left = [...things]
  for (const { kind, colour, count } of parseCaption(caption).phrases)
    for (let i = 0; i < count; i += 1) {
      const at = left.findIndex(
        (thing) => thing.kind === kind && (colour === null || thing.colours.includes(colour)),
      )
      if (at < 0) return false
      left.splice(at, 1)
    }
  return left.length === 0
}

const SIDE = 224

function svg(inside: string): Sharp {
  const document = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}" viewBox="0 0 ${SIDE} ${SIDE}">${inside}</svg>`
  return sharp(Buffer.from(document)).flatten()
}

function whole(random: Random, low: number, high: number): number {
  return Math.floor(random.between(low, high + 1))
}

function times(count: number, one: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => one(i)).join('')
}

function paper(random: Random): string {
  return ground(random.pick(['#ffffff', '#ffffff', '#ffffff', '#f5f5f5', '#fffbe8', '#eef6ff']))
}

function ground(fill: string): string {
  return `<rect width="${SIDE}" height="${SIDE}" fill="${fill}"/>`
}

function at(x: number, y: number, scale: number, inside: string, turn = 0): string {
  const place = `translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${turn.toFixed(0)}) scale(${scale.toFixed(3)})`
  return `<g transform="${place}">${inside}</g>`
}

/** Shapes about the origin, 100 units wide, as one draws them in code. */
const SHAPES: Record<ShapeKind, string> = {
  circle: '<circle r="50"/>',
  square: '<rect x="-45" y="-45" width="90" height="90"/>',
  triangle: '<polygon points="0,-45 50,42 -50,42"/>',
  star: `<polygon points="${spikes(5, 50, 20)}"/>`,
  heart: '<path d="M0 45C-70 0 -45 -50 -20 -45C-8 -42 0 -32 0 -25C0 -32 8 -42 20 -45C45 -50 70 0 0 45Z"/>',
  diamond: '<polygon points="0,-50 36,0 0,50 -36,0"/>',
  cross: '<path d="M-15 -48H15V-15H48V15H15V48H-15V15H-48V-15H-15Z"/>',
  moon: '<path d="M15 -48A48 48 0 1 0 45 25A38 38 0 1 1 15 -48Z"/>',
}

const OTHER_SHAPES = [
  `<polygon points="${spikes(6, 50, 43.3)}"/>`,
  `<polygon points="${corners(5)}"/>`,
  `<polygon points="${corners(8)}"/>`,
  `<polygon points="${corners(6)}"/>`,
  '<polygon points="-50,30 -25,-30 50,-30 25,30"/>',
  '<polygon points="-50,32 -28,-32 28,-32 50,32"/>',
  '<polygon points="-50,-14 10,-14 10,-40 50,0 10,40 10,14 -50,14"/>',
  '<path fill-rule="evenodd" d="M0 -50a50 50 0 1 0 .1 0ZM0 -28a28 28 0 1 1 -.1 0Z"/>',
  '<path d="M-30 30a22 22 0 0 1 2 -44a30 30 0 0 1 56 -4a24 24 0 0 1 4 48Z"/>',
  '<polygon points="10,-50 -32,8 -4,8 -14,50 34,-12 4,-12"/>',
  '<path d="M-50 20A50 50 0 0 1 50 20Z"/>',
  '<path d="M0 -50C35 -5 36 12 30 28A34 34 0 0 1 -30 28C-36 12 -35 -5 0 -50Z"/>',
  '<path d="M-46 40L0 40L46 -30L10 -5L-10 -45Z"/>',
  `<polygon points="${spikes(12, 50, 36)}"/>`,
] as const

/** Points on two circles in turn. */
function spikes(count: number, outer: number, inner: number): string {
  return Array.from({ length: 2 * count }, (_, i) =>
    point(i / (2 * count), i % 2 === 0 ? outer : inner),
  ).join(' ')
}

function corners(count: number): string {
  return Array.from({ length: count }, (_, i) => point(i / count, 50)).join(' ')
}

function point(turn: number, radius: number): string {
  const angle = 2 * Math.PI * turn
  return `${(radius * Math.sin(angle)).toFixed(1)},${(-radius * Math.cos(angle)).toFixed(1)}`
}

/** Places for so many things of 100 · scale units, apart from each other. */
function places(random: Random, count: number): { x: number; y: number; scale: number }[] {
  if (count === 1) {
    const scale = random.between(0.6, 1.4)
    return [{ x: random.between(90, 134), y: random.between(90, 134), scale }]
  }
  const side = count <= 4 ? 2 : 4
  const cell = SIDE / side
  const cells = random.sample(
    Array.from({ length: side * side }, (_, i) => i),
    count,
  )
  return cells.map((i) => ({
    x: ((i % side) + random.between(0.42, 0.58)) * cell,
    y: (Math.floor(i / side) + random.between(0.42, 0.58)) * cell,
    scale: random.between(0.55, 0.85) * (cell / 112),
  }))
}

interface Style {
  /** Attributes of each shape, and what it may be called by them. */
  paint: (random: Random, i: number) => { attributes: string; colours: readonly Colour[]; defs?: string }
  count?: (random: Random) => number
  turn?: (random: Random) => number
  scale?: (random: Random) => number
  /** Of all shapes, how many are ones that the model has no word for. */
  others?: number
}

const nameable = (random: Random): { attributes: string; colours: readonly Colour[] } => {
  const colour = random.pick([...COLOUR_NAMES.filter((name) => name !== 'white')] as [Colour, ...Colour[]])
  return { attributes: `fill="${COLOURS[colour]}"`, colours: [colour] }
}

function shapes(style: Style): AttemptOf {
  return (random) => {
    const back = paper(random)
    const count = style.count?.(random) ?? whole(random, 1, 3)
    const things: Thing[] = []
    const drawn = places(random, count).map(({ x, y, scale }, i) => {
      const kind = random.pick(SHAPE_KINDS)
      const { attributes, colours, defs = '' } = style.paint(random, i)
      const other = random.next() < (style.others ?? 0) || (style.others !== undefined && i === 0)
      if (!other) things.push({ kind, colours })
      const shape = other ? random.pick(OTHER_SHAPES) : SHAPES[kind]
      const size = scale * (style.scale?.(random) ?? 1)
      return `${defs}<g ${attributes}>${at(x, y, size, shape, style.turn?.(random) ?? 0)}</g>`
    })
    return { picture: svg(back + drawn.join('')), things }
  }
}

/** Colours that the model has no word for, or another person another one, and the words that would do. */
const OTHER_COLOURS: [readonly [string, readonly Colour[]], ...(readonly [string, readonly Colour[]])[]] = [
  ['#ff8fc7', []],
  ['#7a4a21', []],
  ['#8c8c8c', []],
  ['#12a5a5', ['green', 'blue']],
  ['#101a6b', ['blue', 'black']],
  ['#9be314', ['green', 'yellow']],
  ['#d4a017', ['yellow', 'orange']],
  ['#70150f', ['red']],
  ['#66ccff', ['blue']],
  ['#c8a2f0', ['purple']],
]

const [ONE, MANY] = [(): number => 1, (random: Random): number => whole(random, 6, 12)]

function gradient(random: Random, i: number): ReturnType<Style['paint']> {
  const [a = 'red', b = 'blue'] = random.sample(COLOUR_NAMES, 2)
  const kind = random.next() < 0.5 ? 'linear' : 'radial'
  const defs = `<defs><${kind}Gradient id="g${i}"><stop stop-color="${COLOURS[a]}"/><stop offset="1" stop-color="${COLOURS[b]}"/></${kind}Gradient></defs>`
  return { attributes: `fill="url(#g${i})"`, colours: [a, b], defs }
}

function outline(random: Random): ReturnType<Style['paint']> {
  const colour = random.pick(['black', 'black', 'red', 'blue', 'green'])
  const width = random.between(3, 10).toFixed(1)
  return {
    attributes: `fill="none" stroke="${COLOURS[colour]}" stroke-width="${width}" stroke-linejoin="round"`,
    colours: [colour, 'white'],
  }
}

const otherColour = (random: Random): ReturnType<Style['paint']> => {
  const [fill, colours] = random.pick(OTHER_COLOURS)
  return { attributes: `fill="${fill}"`, colours }
}

function ink(random: Random): string {
  return random.pick(['#000000', '#000000', '#cc0000', '#0000dd', '#008800', '#ff7700', '#8800aa'])
}

function lines(random: Random, low: number, high: number, inside: string): string {
  return `<g fill="none" stroke="${ink(random)}" stroke-width="${random.between(low, high).toFixed(1)}" stroke-linecap="round" stroke-linejoin="round">${inside}</g>`
}

/** Everybody's person: round head, now and then a hat, a skirt or a face. */
function person(random: Random): string {
  const face = random.next() < 0.6 ? '<path d="M-5 -3v1M5 -3v1M-6 5Q0 10 6 5"/>' : ''
  const skirt = random.next() < 0.3 ? `<path fill="${ink(random)}" d="M0 40L-18 66H18Z"/>` : ''
  const head = random.next() < 0.3 ? '<circle r="15" fill="#ffd9b3"/>' : '<circle r="15"/>'
  const [left, right] = [random.between(15, 55).toFixed(0), random.between(15, 55).toFixed(0)]
  return `${head}${face}<path d="M0 15V62M0 28L-26 ${left}M0 28L26 ${right}M0 62L-16 98M0 62L16 98"/>${skirt}`
}

function stickPeople(random: Random): Attempt {
  const count = whole(random, 1, 3)
  const people = times(count, (i) =>
    lines(
      random,
      2,
      6,
      at(112 + (i - (count - 1) / 2) * 72, random.between(45, 70), random.between(0.8, 1.2), person(random)),
    ),
  )
  return { picture: svg(paper(random) + people), things: [] }
}

/** A house as everybody draws it, about 100 units wide. */
function house(wall: string, roof: string): string {
  return `<g stroke="#222" stroke-width="2"><rect x="-40" y="-10" width="80" height="65" fill="${wall}"/><polygon points="-52,-10 0,-55 52,-10" fill="${roof}"/><rect x="-10" y="20" width="20" height="35" fill="#6b4423"/><rect x="-32" y="2" width="16" height="16" fill="#bde3f7"/><rect x="16" y="2" width="16" height="16" fill="#bde3f7"/></g>`
}

function houses(random: Random): Attempt {
  const [wall = 'red', roof = 'blue'] = random.sample(COLOUR_NAMES, 2)
  const scale = random.between(0.8, 1.5)
  const body = at(
    random.between(95, 130),
    random.between(100, 130),
    scale,
    house(COLOURS[wall], COLOURS[roof]),
  )
  return { picture: svg(paper(random) + body), things: [{ kind: 'house', colours: [wall, roof] }] }
}

const TREE =
  '<g stroke="#222" stroke-width="2"><rect x="-7" y="5" width="14" height="45" fill="#7a4a21"/><circle cy="-15" r="30" fill="#2e9e3f"/></g>'

function childrensDrawings(random: Random): Attempt {
  const things: Thing[] = []
  const sky = random.next() < 0.5 ? ground('#cfeaff') : paper(random)
  const grass = `<rect y="175" width="224" height="49" fill="#6cc24a"/>`
  const rays = times(8, (i) => `<path d="M0 -26V-36" transform="rotate(${i * 45})"/>`)
  const sun = `<g fill="#ffd21a" stroke="#ffb300" stroke-width="4">${at(190, 34, 1, `<circle r="20"/>${rays}`)}</g>`
  let body = ''
  if (random.next() < 0.8) {
    const [wall = 'red', roof = 'blue'] = random.sample(COLOUR_NAMES, 2)
    things.push({ kind: 'house', colours: [wall, roof] })
    body += at(70, 130, 0.9, house(COLOURS[wall], COLOURS[roof]))
  }
  if (random.next() < 0.6) {
    things.push({ kind: 'tree', colours: ['green'] })
    body += at(188, 135, 0.95, TREE)
  }
  if (random.next() < 0.7) body += lines(random, 3, 4, at(138, 110, 0.75, person(random)))
  return { picture: svg(sky + grass + sun + body), things }
}

function smileys(random: Random): Attempt {
  const mouth = random.pick([
    'M-25 12Q0 40 25 12',
    'M-25 30Q0 5 25 30',
    'M-22 22H22',
    'M-25 10Q0 45 25 10Z',
    'M-8 22a8 10 0 1 0 16 0a8 10 0 1 0 -16 0',
  ])
  const fill = random.pick(['#ffd93b', '#ffd93b', '#ffffff', '#ff9f43', '#7bed9f'])
  const face = `<circle r="50" fill="${fill}" stroke="#222" stroke-width="${random.between(1, 5).toFixed(1)}"/><circle cx="-17" cy="-14" r="6" fill="#222"/><circle cx="17" cy="-14" r="6" fill="#222"/><path d="${mouth}" fill="none" stroke="#222" stroke-width="5" stroke-linecap="round"/>`
  const drawn = places(random, random.next() < 0.7 ? 1 : 2).map(({ x, y, scale }) => at(x, y, scale, face))
  return { picture: svg(paper(random) + drawn.join('')), things: [] }
}

const SAID = [
  'Hi',
  'OK',
  'YES',
  'NO',
  'cat',
  'dog',
  'red',
  'Hello!',
  'pizza',
  'TEST',
  '123',
  '42',
  'A',
  'B',
  '?',
  'LOL',
  'Anna',
  'love',
  'BLIP',
  'a star',
  '2+2=4',
  '猫',
  '東京',
  'SALE',
  '50%',
] as const

function words(random: Random): Attempt {
  const coloured = random.next() < 0.4
  const back = coloured
    ? ground(random.pick(['#d7263d', '#1b998b', '#2e294e', '#f46036', '#111111']))
    : paper(random)
  const said = random.pick(SAID)
  const size = Math.min(130, 270 / said.length)
  const font = random.pick(['DejaVu Sans', 'DejaVu Serif', 'DejaVu Sans Mono', 'Noto Sans CJK JP'])
  const weight = random.next() < 0.5 ? 'bold' : 'normal'
  const text = `<text x="112" y="${random.between(90, 150).toFixed(0)}" text-anchor="middle" font-family="${font}" font-weight="${weight}" font-size="${size.toFixed(0)}" fill="${coloured ? '#ffffff' : ink(random)}">${said}</text>`
  return { picture: svg(back + text), things: [] }
}

/** Loops and peaks along lines, as a pen writes them. */
function handwriting(random: Random): Attempt {
  const rows = whole(random, 1, 5)
  const height = Math.min(50, 150 / rows)
  const row = (i: number): string => {
    const y = 40 + (i * 160) / rows + height / 2
    let [path, x] = [`M12 ${y.toFixed(0)}`, 12]
    while (x < 195) {
      const [wide, tall] = [random.between(0.2, 0.6) * height, random.between(-1, 0.6) * height]
      const loop = random.next() < 0.4 ? -0.4 : 0.5
      path += `c${(wide * loop).toFixed(1)} ${tall.toFixed(1)} ${wide.toFixed(1)} ${tall.toFixed(1)} ${wide.toFixed(1)} 0`
      x += wide
      if (random.next() < 0.12) {
        x += 14
        path += 'm14 0'
      }
    }
    return `<path d="${path}"/>`
  }
  return { picture: svg(paper(random) + lines(random, 1.5, 4, times(rows, row))), things: [] }
}

function blanks(random: Random): Attempt {
  const colour = (): string =>
    `hsl(${whole(random, 0, 359)} ${whole(random, 0, 100)}% ${whole(random, 0, 100)}%)`
  const edge =
    random.next() < 0.2
      ? `<rect x="6" y="6" width="212" height="212" fill="none" stroke="#999" stroke-width="2"/>`
      : ''
  if (random.next() < 0.6)
    return { picture: svg(ground(random.next() < 0.25 ? '#ffffff' : colour()) + edge), things: [] }
  const defs = `<defs><linearGradient id="g" x2="${whole(random, 0, 1)}" y2="1"><stop stop-color="${colour()}"/><stop offset="1" stop-color="${colour()}"/></linearGradient></defs>`
  return { picture: svg(defs + ground('url(#g)') + edge), things: [] }
}

const INKS = ['#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b'] as const

function charts(random: Random): Attempt {
  const kind = random.pick(['scatter', 'area', 'lying bars', 'ring', 'table'])
  const axes = '<path d="M22 10V204H216" fill="none" stroke="#555"/>'
  const body = {
    scatter: () =>
      axes +
      times(
        whole(random, 10, 60),
        (i) =>
          `<circle cx="${random.between(28, 212).toFixed(0)}" cy="${random.between(14, 198).toFixed(0)}" r="${random.between(2, 7).toFixed(1)}" fill="${INKS[i % 2] ?? ''}" fill-opacity=".8"/>`,
      ),
    area: () =>
      axes +
      times(
        whole(random, 1, 3),
        (i) =>
          `<polygon fill="${INKS[i] ?? ''}" fill-opacity=".7" points="22,204 ${times(8, (k) => `${22 + k * 27},${random.between(30 + i * 40, 190).toFixed(0)} `)}211,204"/>`,
      ),
    'lying bars': () =>
      axes +
      times(
        6,
        (i) =>
          `<rect x="22" y="${16 + i * 31}" width="${random.between(20, 185).toFixed(0)}" height="20" fill="${INKS[i % 6] ?? ''}"/>`,
      ),
    ring: () =>
      times(
        4,
        (i) =>
          `<circle cx="112" cy="112" r="65" fill="none" stroke="${INKS[i] ?? ''}" stroke-width="36" stroke-dasharray="${random.between(60, 130).toFixed(0)} 500" transform="rotate(${i * 90} 112 112)"/>`,
      ),
    table: () =>
      times(
        8,
        (i) =>
          `<path d="M10 ${14 + i * 28}H214M${10 + i * 29} 14V210" stroke="#777"/><text x="16" y="${33 + i * 28}" font-size="12" font-family="DejaVu Sans">${whole(random, 10, 9999)}</text><text x="104" y="${33 + i * 28}" font-size="12" font-family="DejaVu Sans">${whole(random, 10, 9999)}</text>`,
      ),
  }[kind]()
  return { picture: svg(ground('#ffffff') + body), things: [] }
}

/** Signs of a font, and what the model may call them. */
const SIGNS: [readonly [string, Kind?], ...(readonly [string, Kind?])[]] = [
  ['☎'],
  ['✂'],
  ['✈', 'airplane'],
  ['☀'],
  ['☂', 'umbrella'],
  ['★', 'star'],
  ['♥', 'heart'],
  ['♠'],
  ['♣'],
  ['☺'],
  ['⚓', 'anchor'],
  ['✏'],
  ['☕', 'cup'],
  ['⚽'],
  ['☃'],
  ['♞'],
  ['♫'],
  ['⚡'],
  ['☠'],
  ['☮'],
  ['⚙'],
  ['☁'],
  ['✔'],
  ['✘'],
  ['➜'],
  ['☾', 'moon'],
  ['⌚'],
  ['✉'],
  ['⚖'],
  ['☘'],
  ['∞'],
  ['@'],
  ['&amp;'],
  ['€'],
  ['☯'],
  ['♛', 'crown'],
]

function signs(random: Random): Attempt {
  const chosen = random.sample(SIGNS, random.next() < 0.7 ? 1 : 2)
  const things: Thing[] = []
  const drawn = chosen.map(([sign, kind], i) => {
    const { attributes, colours } =
      random.next() < 0.5 ? { attributes: 'fill="#000000"', colours: ['black'] as const } : nameable(random)
    if (kind !== undefined) things.push({ kind, colours })
    const [x, size] = chosen.length === 1 ? [112, 170] : [60 + i * 104, 100]
    return `<text x="${x}" y="165" text-anchor="middle" font-family="DejaVu Sans" font-size="${size}" ${attributes}>${sign}</text>`
  })
  return { picture: svg(paper(random) + drawn.join('')), things }
}

function flags(random: Random): Attempt {
  const [a = '', b = '', c = ''] = random.sample(
    ['#ffffff', '#ce1126', '#002395', '#009246', '#ffcc00', '#000000', '#ff883e'],
    3,
  )
  const [top, high] = random.pick([
    [37, 150],
    [0, 224],
  ])
  const kind = random.pick(['across', 'down', 'cross', 'disc', 'wedge'])
  const field = (fill: string, x: number, y: number, w: number, h: number): string =>
    `<rect x="${x}" y="${(top + y * high).toFixed(1)}" width="${w}" height="${(h * high).toFixed(1)}" fill="${fill}"/>`
  const inside = {
    across: () => field(a, 0, 0, 224, 0.34) + field(b, 0, 1 / 3, 224, 0.34) + field(c, 0, 2 / 3, 224, 1 / 3),
    down: () => field(a, 0, 0, 75, 1) + field(b, 75, 0, 75, 1) + field(c, 150, 0, 74, 1),
    cross: () => field(a, 0, 0, 224, 1) + field(b, 0, 0.4, 224, 0.2) + field(b, 66, 0, 36, 1),
    disc: () =>
      `${field(a, 0, 0, 224, 1)}<circle cx="112" cy="112" r="${(0.3 * high).toFixed(0)}" fill="${b}"/>`,
    wedge: () =>
      `${field(a, 0, 0, 224, 0.5)}${field(b, 0, 0.5, 224, 0.5)}<polygon points="0,${top} 100,112 0,${top + high}" fill="${c}"/>`,
  }[kind]()
  return { picture: svg(ground('#ffffff') + inside), things: [] }
}

function screens(random: Random): Attempt {
  const dark = random.next() < 0.4
  const [back, front, text] = dark ? ['#101216', '#23262d', '#e6e6e6'] : ['#f2f3f5', '#ffffff', '#222222']
  const line = (x: number, y: number, w: number): string =>
    `<rect x="${x}" y="${y}" width="${w.toFixed(0)}" height="5" rx="2" fill="${text}" fill-opacity=".6"/>`
  const kind = random.pick(['icons', 'chat', 'form', 'code'])
  const inside = {
    icons: () =>
      times(
        16,
        (i) =>
          `<rect x="${16 + (i % 4) * 51}" y="${16 + Math.floor(i / 4) * 51}" width="38" height="38" rx="9" fill="${random.pick(INKS)}"/>`,
      ),
    chat: () =>
      times(6, (i) => {
        const [wide, mine] = [random.between(60, 130), random.next() < 0.5]
        const x = mine ? 214 - wide : 10
        return `<rect x="${x.toFixed(0)}" y="${10 + i * 35}" width="${wide.toFixed(0)}" height="28" rx="12" fill="${mine ? '#3478f6' : front}"/>${line(x + 10, 18 + i * 35, wide - 24)}`
      }),
    form: () =>
      times(
        5,
        (i) =>
          `${line(14, 14 + i * 36, random.between(30, 80))}<rect x="14" y="${24 + i * 36}" width="190" height="18" rx="3" fill="${front}" stroke="#888"/>`,
      ) + '<rect x="14" y="196" width="70" height="20" rx="4" fill="#3478f6"/>',
    code: () =>
      times(
        18,
        (i) =>
          `<rect x="${12 + 12 * whole(random, 0, 3)}" y="${10 + i * 12}" width="${random.between(20, 140).toFixed(0)}" height="5" fill="${random.pick(INKS)}"/>`,
      ),
  }[kind]()
  return { picture: svg(ground(back) + inside), things: [] }
}

function static_(random: Random): Attempt {
  const side = random.pick([12, 28, 56, 112, 224])
  const [low, high] = random.pick([
    [0, 256],
    [90, 170],
    [180, 256],
  ] as [number, number][] as [[number, number], ...[number, number][]])
  const rgb = Uint8Array.from({ length: side * side * 3 }, () => random.between(low, high))
  const picture = sharp(rgb, { raw: { width: side, height: side, channels: 3 } }).resize(SIDE, SIDE, {
    kernel: 'cubic',
  })
  return { picture: random.next() < 0.5 ? picture.blur(random.between(1, 8)) : picture, things: [] }
}

/** Sky, hills or a table with round things on it, blurred and with grain. */
async function landscapes(random: Random): Promise<Attempt> {
  const hue = whole(random, 0, 359)
  const hill = (i: number): string =>
    `<path fill="hsl(${(hue + 90 + i * 20) % 360} ${whole(random, 15, 55)}% ${45 - i * 10}%)" d="M0 ${110 + i * 35}Q${whole(random, 30, 190)} ${whole(random, 50, 110) + i * 35} 224 ${whole(random, 90, 150) + i * 30}V224H0Z"/>`
  const defs = `<defs><linearGradient id="s" y2="1" x2="0"><stop stop-color="hsl(${hue} 45% 45%)"/><stop offset="1" stop-color="hsl(${(hue + 25) % 360} 40% 80%)"/></linearGradient><radialGradient id="b"><stop stop-color="hsl(${(hue + 180) % 360} 60% 70%)"/><stop offset="1" stop-color="hsl(${(hue + 180) % 360} 50% 25%)"/></radialGradient></defs>`
  const balls = times(
    whole(random, 0, 3),
    () =>
      `<circle cx="${whole(random, 30, 190)}" cy="${whole(random, 100, 180)}" r="${whole(random, 12, 40)}" fill="url(#b)"/>`,
  )
  const soft = await svg(defs + ground('url(#s)') + times(3, hill) + balls)
    .blur(random.between(0.8, 4))
    .removeAlpha()
    .raw()
    .toBuffer()
  const grain = random.between(4, 24)
  const rgb = soft.map((value) => Math.max(0, Math.min(255, value + (random.next() - 0.5) * grain)))
  return { picture: sharp(rgb, { raw: { width: SIDE, height: SIDE, channels: 3 } }), things: [] }
}

function thickBrush(random: Random): Attempt {
  const stroke = (): string => {
    const to = (): string => `${whole(random, 10, 214)} ${whole(random, 10, 214)}`
    return lines(random, 9, 30, `<path d="M${to()}${times(whole(random, 1, 5), () => `Q${to()} ${to()}`)}"/>`)
  }
  return { picture: svg(paper(random) + times(whole(random, 1, 5), stroke)), things: [] }
}

// --- its own scenes ---

function heldOut(random: Random): Scene {
  return makeScene(FIRST_HELD_OUT_SEED + 100_000 + whole(random, 0, 300_000))
}

function thingsOf({ objects }: Scene): Thing[] {
  return objects.map(({ kind, colour }) => ({ kind, colours: colour === null ? COLOUR_NAMES : [colour] }))
}

async function withSomethingElse(random: Random): Promise<Attempt> {
  const scene = heldOut(random)
  const free = [40, 112, 184].flatMap((x) => [40, 112, 184].map((y) => ({ x, y })))
  const gap = ({ x, y }: { x: number; y: number }): number =>
    Math.min(...scene.objects.map((object) => Math.hypot(object.x - x, object.y - y)))
  const { x, y } = free.reduce((best, one) => (gap(one) > gap(best) ? one : best))
  const other = random.pick(['shape', 'person', 'sign'])
  const inside = {
    shape: () =>
      `<g ${nameable(random).attributes}>${at(x, y, random.between(0.45, 0.65), random.pick(OTHER_SHAPES))}</g>`,
    person: () => lines(random, 3, 4, at(x, y - 22, 0.55, person(random))),
    sign: () =>
      `<text x="${x}" y="${y + 20}" text-anchor="middle" font-family="DejaVu Sans" font-size="60" fill="${ink(random)}">${random.pick(SIGNS.filter(([, kind]) => kind === undefined) as typeof SIGNS)[0]}</text>`,
  }[other]()
  const before = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">${inside}</svg>`,
  )
  const picture = (await asDrawn(scene).take()).composite([{ input: before }])
  return { picture: sharp(await picture.png().toBuffer()), things: thingsOf(scene) }
}

/** One of its own things, larger or smaller than in any scene, on white. */
function ownThings(random: Random): Attempt {
  const kind = random.pick(KINDS as [Kind, ...Kind[]])
  const colour = isColoured(kind) ? random.pick(COLOUR_NAMES) : null
  const size = random.between(50, 170)
  const body = at(
    random.between(95, 129),
    random.between(95, 129),
    size / 32,
    `<g transform="translate(-16 -16)">${drawingOf(kind, colour, 'o')}</g>`,
  )
  return {
    picture: svg(ground('#ffffff') + body),
    things: [{ kind, colours: colour === null ? COLOUR_NAMES : [colour] }],
  }
}

async function taken(random: Random, change: (png: Sharp) => Sharp): Promise<Attempt> {
  const scene = heldOut(random)
  const changed = change(sharp(await (await asDrawn(scene).take()).png().toBuffer()))
  const jpeg = await changed.jpeg({ quality: whole(random, 35, 92) }).toBuffer()
  return { picture: sharp(jpeg), things: thingsOf(scene) }
}

export const ATTEMPTS = {
  'plain shapes': shapes({ paint: nameable }),
  'outlined shapes': shapes({ paint: outline }),
  'turned shapes': shapes({
    paint: nameable,
    turn: (random) => random.between(10, 30) * random.pick([1, -1]),
  }),
  'shapes in other colours': shapes({ paint: otherColour }),
  'shapes with gradients': shapes({ paint: gradient }),
  'tiny shapes': shapes({ paint: nameable, scale: () => 0.3 }),
  'huge shapes': shapes({ paint: nameable, count: ONE, scale: () => 1.7 }),
  'many shapes': shapes({ paint: nameable, count: MANY }),
  'other shapes': shapes({ paint: nameable, others: 1 }),
  'known and other shapes': shapes({ paint: nameable, others: 0.3, count: (random) => whole(random, 2, 3) }),
  'stick people': stickPeople,
  houses,
  "children's drawings": childrensDrawings,
  smileys,
  'words and numbers': words,
  handwriting,
  'blank sheets': blanks,
  'charts and tables': charts,
  'signs of a font': signs,
  flags,
  screens,
  static: static_,
  landscapes,
  'thick brush': thickBrush,
  'scenes with something else': withSomethingElse,
  'own things on white': ownThings,
  'scenes as screenshots': (random) => {
    const side = whole(random, 80, 900)
    return taken(random, (scene) => scene.resize(side, side))
  },
  'scenes cut at the edge': (random) => {
    const [left, top] = [whole(random, 0, 10), whole(random, 0, 10)]
    return taken(random, (scene) => scene.extract({ left, top, width: 212, height: 212 }))
  },
  'scenes with a border': (random) => {
    const [by, background] = [whole(random, 10, 40), random.pick(['#ffffff', '#f0f0f0', '#222222'])]
    return taken(random, (scene) => scene.extend({ top: by, bottom: by, left: by, right: by, background }))
  },
} as const satisfies Record<string, AttemptOf>
