/** How each kind looks, in a 32 × 32 box. Icons come from a set; what comes in colours is drawn by hand here. */
import {
  COLOURS,
  iconBody,
  isContainer,
  isIcon,
  type Colour,
  type ColouredKind,
  type ContainerKind,
  type Kind,
} from './kinds.ts'

/** The tones that a coloured drawing is made of. */
interface Paint {
  fill: string
  /** A tone darker (for black: lighter), for inner sides and trimmings. */
  shade: string
  /** For lines across the fill; they must show on black too. */
  ink: string
  /** For what stands out: the heart of a flower, the title of a book. White, except on white. */
  bright: string
}

export interface ContainerParts {
  /** What is behind an object inside. */
  back: string
  /** What is before it. */
  front: string
  /** Centre and width of the object inside. */
  inside: { x: number; y: number; size: number }
}

/** The SVG body of a kind. `prefix` keeps the ids of several icons in one scene apart. */
export function drawingOf(kind: Kind, colour: Colour | null, prefix: string): string {
  if (isIcon(kind)) return iconBody(kind, prefix)
  if (isContainer(kind)) {
    const { back, front } = containerParts(kind, colour ?? 'red')
    return back + front
  }
  const paint = paintOf(colour ?? 'red')
  return outlined(paint, DRAWINGS[kind](paint))
}

/** A container in two layers, so that an object can be drawn between them. */
export function containerParts(kind: ContainerKind, colour: Colour): ContainerParts {
  const paint = paintOf(colour)
  const { back, front, inside } = CONTAINERS[kind]
  return { back: outlined(paint, back(paint)), front: outlined(paint, front(paint)), inside }
}

function paintOf(colour: Colour): Paint {
  const fill = COLOURS[colour]
  if (colour === 'black') return { fill, shade: '#424242', ink: '#8c8c8c', bright: '#fff' }
  const darker = fill.replace(/[\da-f]{2}/g, (hex) =>
    Math.round(parseInt(hex, 16) * 0.83)
      .toString(16)
      .padStart(2, '0'),
  )
  return { fill, shade: darker, ink: '#444', bright: colour === 'white' ? '#f5c518' : '#fff' }
}

function outlined({ fill }: Paint, body: string): string {
  return `<g fill="${fill}" stroke="#444" stroke-width="0.6" stroke-linejoin="round" stroke-linecap="round">${body}</g>`
}

const PANE = '#e3edf2'

const DRAWINGS: Record<Exclude<ColouredKind, ContainerKind>, (paint: Paint) => string> = {
  circle: () => '<circle cx="16" cy="16" r="13.5"/>',
  square: () => '<rect x="4" y="4" width="24" height="24"/>',
  triangle: () => '<path d="M16 3 30 28H2Z"/>',
  star: () => '<path d="m16 2 4.1 9.3 10.1 1-7.6 6.7 2.2 9.9L16 23.7l-8.8 5.2 2.2-9.9-7.6-6.7 10.1-1Z"/>',
  heart: () =>
    '<path d="M16 29C6 21 2 16 2 10.5a7.2 7.2 0 0 1 14-2.5 7.2 7.2 0 0 1 14 2.5C30 16 26 21 16 29Z"/>',
  diamond: () => '<path d="M16 1 27 16 16 31 5 16Z"/>',
  cross: () => '<path d="M11.5 2.5h9v9h9v9h-9v9h-9v-9h-9v-9h9Z"/>',
  moon: () => '<path d="M20 2.5A14 14 0 1 0 29.5 21.5 12 12 0 0 1 20 2.5Z"/>',

  car: ({ ink }) =>
    '<path d="M1 23v-4.5Q1 15.3 4 14.6l3.3-.7L11.5 7.5Q12.7 6 14.5 6h6.5q1.8 0 2.6 1.5L26.8 14l1.7.5q2.5.8 2.5 3.5v5q0 2-1.8 2H2.8Q1 25 1 23Z"/>' +
    `<path fill="${PANE}" d="m11.5 13.5 2.5-4q.5-.7 1.3-.7h1.5v4.7ZM18.8 8.8h1.4q.8 0 1.2.8l1.8 3.9h-4.4Z"/>` +
    `<path fill="none" stroke="${ink}" d="M17.8 15.5v6.5M19.5 17.5h1.8"/>` +
    '<g fill="#333"><circle cx="8.5" cy="25" r="3"/><circle cx="23.5" cy="25" r="3"/></g>' +
    '<g fill="#ccc"><circle cx="8.5" cy="25" r="1.2"/><circle cx="23.5" cy="25" r="1.2"/></g>',
  balloon: () =>
    '<path fill="none" stroke-width="0.8" d="M16 24.5q-2.5 2 0 3.7t-.5 3.3"/>' +
    '<path d="m16 22.5 2 3h-4Z"/>' +
    '<path d="M16 1C9.8 1 5.5 5.5 5.5 11.3 5.5 17.5 11 23.5 16 23.5s10.5-6 10.5-12.2C26.5 5.5 22.2 1 16 1Z"/>' +
    '<path fill="none" stroke="#fff" stroke-width="1.5" stroke-opacity=".8" d="M9 11q.2-4 3.6-5.7"/>',
  umbrella: ({ ink }) =>
    '<path fill="none" stroke-width="2" d="M16 17v10a2.8 2.8 0 0 1-5.6 0"/>' +
    '<path fill="none" stroke="#999" d="M16 17v10a2.8 2.8 0 0 1-5.6 0"/>' +
    '<path d="M16 1v3" stroke-width="1.4"/>' +
    '<path d="M1.5 18.5C1.5 9 8 3 16 3s14.5 6 14.5 15.5q-2.4-2.8-4.85 0-2.4-2.8-4.8 0-2.4-2.8-4.85 0-2.4-2.8-4.85 0-2.4-2.8-4.8 0-2.4-2.8-4.85 0Z"/>' +
    `<path fill="none" stroke="${ink}" d="M11.15 18.5Q11.5 7 16 3q4.5 4 4.85 15.5"/>`,
  cup: ({ shade }) =>
    '<path fill="none" stroke="#888" stroke-width="1" d="M9.5 5q-1.5-1.5 0-3M15.5 5q-1.5-1.5 0-3"/>' +
    '<path fill-rule="evenodd" d="M21 11h3.5a6 6 0 0 1 0 12.5H21v-3h3.3a3 3 0 0 0 0-6.5H21Z"/>' +
    '<path d="M2.5 8.5V24q0 5.5 5.5 5.5h9q5.5 0 5.5-5.5V8.5Z"/>' +
    `<ellipse cx="12.5" cy="8.5" rx="10" ry="2.2" fill="${shade}"/>`,
  hat: ({ ink, shade }) =>
    '<ellipse cx="16" cy="25" rx="15" ry="4.5"/>' +
    '<path d="M8.5 24.5 7 6q0-2.5 9-2.5T25 6l-1.5 18.5q-7.5 3-15 0Z"/>' +
    `<path fill="${shade}" d="m8.2 20.5.3 4q7.5 3 15 0l.3-4q-7.8 3-15.6 0Z"/>` +
    `<path fill="none" stroke="${ink}" d="M7.5 6.5q8.5 3 17 0"/>`,
  book: ({ shade, bright }) =>
    '<path fill="#fff" d="M6.5 23H27v6H7.5q-2.5 0-2.5-3Z"/>' +
    '<path fill="none" stroke="#999" stroke-width=".5" d="M8 26.2h18.5M8 27.7h18.5"/>' +
    '<path d="M8 1.5h18.5q1 0 1 1v21q0 1-1 1H8q-1.8 0-1.8 1.7T8 28.5h19.5v2H7.5Q4 30.5 4 26.5v-21Q4 1.5 8 1.5Z"/>' +
    `<path fill="${shade}" d="M8.5 1.5v23q-2.3-.2-2.3 1.7L4 26.5v-21q0-4 4.5-4Z"/>` +
    `<path fill="none" stroke="${bright}" stroke-width="1.4" d="M13 7.5h10M14.5 11h7"/>`,
  flower: ({ bright }) =>
    '<path fill="none" stroke="#4f8a4a" stroke-width="1.4" d="M16 20v11"/>' +
    '<path fill="#6fae62" stroke-width="0.4" d="M16 30.5q-5 0-6-4 5 0 6 4Zm0-.5q4.5 0 5.5-3.8-4.5 0-5.5 3.8Z"/>' +
    [0, 72, 144, 216, 288]
      .map((turn) => `<ellipse cx="16" cy="6.7" rx="5.7" ry="6" transform="rotate(${turn} 16 13.2)"/>`)
      .join('') +
    `<circle cx="16" cy="13.2" r="2.8" fill="${bright}"/>`,
  fish: ({ ink, shade }) =>
    `<path fill="${shade}" d="M10 9.5q4-6.5 11-5l-1 6ZM13 22l6 5.5 1.5-6Z"/>` +
    '<path d="M22 16 31 8q-2.5 8 0 16Z"/>' +
    '<path d="M1 16.5Q6 7.5 14.5 7.5T26 16q-3 8.5-11.5 8.5T1 16.5Z"/>' +
    `<path fill="none" stroke="${ink}" d="M11.5 10.5q3.5 5.5 0 11M16.5 13.5q1.5 2 0 4.5M20.5 13.5q1.5 2 0 4.5"/>` +
    '<circle cx="7.5" cy="14.5" r="1.9" fill="#fff"/><circle cx="7.2" cy="14.5" r=".9" fill="#222"/>',
  house: ({ ink, shade }) =>
    `<path fill="${shade}" d="M22 3.5h4V12h-4Z"/>` +
    '<path d="M4.5 14h23v16.5h-23Z"/>' +
    `<path stroke="${ink}" d="M16 1.5 31 15.5H1Z"/>` +
    '<path fill="#fff" d="M8.5 21.5h4.5v9H8.5Z"/>' +
    `<path fill="${PANE}" d="M18.5 19.5h5v5h-5ZM21 19.5v5"/>`,
  bottle: ({ shade }) =>
    '<path d="M12.8 4h6.4v6q0 1.8 2.6 3.5T24.5 19v9q0 3-3 3h-11q-3 0-3-3v-9q0-3.8 2.7-5.5T12.8 10Z"/>' +
    `<path fill="${shade}" d="M12 1h8v3.5h-8Z"/>` +
    '<path fill="#fff" d="M11 20.5h10v4H11Z"/>',
}

interface Container {
  back: (paint: Paint) => string
  front: (paint: Paint) => string
  inside: ContainerParts['inside']
}

const CONTAINERS: Record<ContainerKind, Container> = {
  box: {
    back: ({ shade }) =>
      '<path d="M5.5 2 1 6.5 0.5 14l3 6.5ZM26.5 2 31 6.5l.5 7.5-3 6.5Z"/>' +
      '<path d="M5 1.5h22l1.5 19.5h-25Z"/>' +
      `<path fill="${shade}" d="M6.5 3.5h19L27 21H5Z"/>`,
    front: () =>
      '<path d="M3 20.5h26L28.5 31h-25Z"/><rect x="12.5" y="24" width="7" height="2.4" rx="1.2" fill="#777"/>',
    inside: { x: 16, y: 13.5, size: 18 },
  },
  basket: {
    back: ({ fill, shade }) =>
      ['stroke-width="3.2"', `stroke="${fill}" stroke-width="2.2"`]
        .map(
          (stroke) =>
            `<path fill="none" ${stroke} d="M3.5 20v-8.5a9.5 9.5 0 0 1 9.5-9.5h6a9.5 9.5 0 0 1 9.5 9.5v8.5"/>`,
        )
        .join('') + `<ellipse cx="16" cy="19.5" rx="14" ry="2.5" fill="${shade}"/>`,
    front: ({ ink }) =>
      '<path d="M2.5 20h27l-2.7 9.5q-.4 1.5-2 1.5H7.2q-1.6 0-2-1.5Z"/>' +
      `<path fill="none" stroke="${ink}" stroke-width="0.4" d="M3.6 24.2h24.8M4.6 27.6h22.8M8.5 21v3.2M16 21v3.2M23.5 21v3.2M12.2 24.2v3.4M19.8 24.2v3.4M6 24.2l.2 3.4M26 24.2l-.2 3.4M9.5 27.6l.2 3.4M16 27.6V31M22.5 27.6l-.2 3.4"/>` +
      '<rect x="1.2" y="18.6" width="29.6" height="3" rx="1.5"/>',
    inside: { x: 16, y: 12.5, size: 17 },
  },
  frame: {
    back: ({ ink }) =>
      '<rect x="1" y="1" width="30" height="30"/>' +
      `<path fill="none" stroke="${ink}" d="m1 1 30 30M31 1 1 31"/>` +
      '<rect x="7" y="7" width="18" height="18" fill="#efe9da"/>',
    front: () => '',
    inside: { x: 16, y: 16, size: 17 },
  },
}
