/**
 * What can stand in a scene. Icons look the same every time; shapes, everyday things and containers come in eight
 * colours, and a container can have another object inside.
 */
import icons from './icons.json' with { type: 'json' }

export type IconKind = keyof typeof icons

export const ICON_KINDS = Object.keys(icons).filter(isIcon)

export const SHAPE_KINDS = [
  'circle',
  'square',
  'triangle',
  'star',
  'heart',
  'diamond',
  'cross',
  'moon',
] as const
export type ShapeKind = (typeof SHAPE_KINDS)[number]

export const THING_KINDS = [
  'car',
  'balloon',
  'umbrella',
  'cup',
  'hat',
  'book',
  'flower',
  'fish',
  'house',
  'bottle',
] as const
export type ThingKind = (typeof THING_KINDS)[number]

export const CONTAINER_KINDS = ['box', 'basket', 'frame'] as const
export type ContainerKind = (typeof CONTAINER_KINDS)[number]

export type ColouredKind = ShapeKind | ThingKind | ContainerKind
export const COLOURED_KINDS: readonly ColouredKind[] = [...SHAPE_KINDS, ...THING_KINDS, ...CONTAINER_KINDS]

export type Kind = IconKind | ColouredKind
export const KINDS: readonly Kind[] = [...ICON_KINDS, ...COLOURED_KINDS]

export const COLOUR_NAMES = ['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'black', 'white'] as const
export type Colour = (typeof COLOUR_NAMES)[number]

/** Far enough apart in hue that none passes for its neighbour in a picture somewhat darker or brighter. */
export const COLOURS: Record<Colour, string> = {
  red: '#dc1e2c',
  orange: '#fa8014',
  yellow: '#ffe01a',
  green: '#1f9d3a',
  blue: '#1f5ce6',
  purple: '#9330c8',
  black: '#1a1a1a',
  white: '#fdfdfd',
}

const COLOURED: ReadonlySet<string> = new Set(COLOURED_KINDS)
const CONTAINERS: ReadonlySet<string> = new Set(CONTAINER_KINDS)

export function isIcon(kind: string): kind is IconKind {
  return Object.hasOwn(icons, kind)
}

export function isColoured(kind: string): kind is ColouredKind {
  return COLOURED.has(kind)
}

export function isContainer(kind: string): kind is ContainerKind {
  return CONTAINERS.has(kind)
}

export function isColour(name: string): name is Colour {
  return Object.hasOwn(COLOURS, name)
}

/** The SVG body of an icon in a 32 × 32 box. Ids are made unique by `prefix`, since a scene may hold several icons. */
export function iconBody(kind: IconKind, prefix: string): string {
  return icons[kind].replace(/(id="|url\(#|href="#)/g, `$1${prefix}`)
}

const IRREGULAR_PLURALS: Partial<Record<Kind, string>> = { fish: 'fish' }

export function pluralOf(kind: Kind): string {
  const irregular = IRREGULAR_PLURALS[kind]
  if (irregular !== undefined) return irregular
  if (/(?:s|x|z|ch|sh)$/.test(kind)) return `${kind}es`
  return /[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`
}

/** Goes by the first letter: no kind or colour begins with a silent h or a "you" sound. */
export function articleFor(words: string): 'a' | 'an' {
  return /^[aeiou]/i.test(words) ? 'an' : 'a'
}
