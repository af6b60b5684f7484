/** What can stand in a scene. Icons look the same every time; shapes come in eight colours. */
import icons from './icons.json' with { type: 'json' }

export type IconKind = keyof typeof icons

export const ICON_KINDS = Object.keys(icons).filter(isIcon)

export const SHAPE_KINDS = ['circle', 'square', 'triangle', 'star', 'heart', 'diamond'] as const
export type ShapeKind = (typeof SHAPE_KINDS)[number]

export const COLOURS = {
  red: '#e02424',
  orange: '#f58a1f',
  yellow: '#f7d417',
  green: '#2ea043',
  blue: '#2463eb',
  purple: '#8b3fd1',
  black: '#1c1c1c',
  white: '#fbfbfb',
} as const
export type Colour = keyof typeof COLOURS
export const COLOUR_NAMES = Object.keys(COLOURS).filter(isColour)

export type Kind = IconKind | ShapeKind
export const KINDS: readonly Kind[] = [...ICON_KINDS, ...SHAPE_KINDS]

export function isIcon(kind: string): kind is IconKind {
  return Object.hasOwn(icons, kind)
}

export function isColour(name: string): name is Colour {
  return Object.hasOwn(COLOURS, name)
}

/** The SVG body of an icon in a 32 × 32 box. Ids are made unique by `prefix`, since a scene may hold several icons. */
export function iconBody(kind: IconKind, prefix: string): string {
  return icons[kind].replace(/(id="|url\(#|href="#)/g, `$1${prefix}`)
}
