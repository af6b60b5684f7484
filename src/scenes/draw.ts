/** A scene as SVG text: no scripts, no references outside itself. */
import { COLOURS, iconBody, isIcon, type ShapeKind } from './kinds.ts'
import { SCENE_SIZE, type Background, type Scene, type SceneObject } from './scene.ts'

/** The whole picture as an SVG document of `pixels` × `pixels`. */
export function drawScene(scene: Scene, pixels: number = SCENE_SIZE): string {
  const objects = scene.objects.map((object, i) => drawObject(object, `o${i}-`)).join('')
  const box = `viewBox="0 0 ${SCENE_SIZE} ${SCENE_SIZE}" width="${pixels}" height="${pixels}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${box}>${drawBackground(scene.background)}${objects}</svg>`
}

function drawObject(object: SceneObject, prefix: string): string {
  const { kind, size, x, y, rotation } = object
  const place = `translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${rotation.toFixed(1)}) scale(${(size / 32).toFixed(3)}) translate(-16 -16)`
  const fill = COLOURS[object.colour ?? 'red']
  const body = isIcon(kind)
    ? iconBody(kind, prefix)
    : `<g fill="${fill}" stroke="#444" stroke-width="0.6" stroke-linejoin="round">${SHAPES[kind]}</g>`
  return `<g transform="${place}">${body}</g>`
}

/** Drawn by hand in the icons' 32 × 32 box. */
const SHAPES: Record<ShapeKind, string> = {
  circle: '<circle cx="16" cy="16" r="13.5"/>',
  square: '<rect x="4" y="4" width="24" height="24"/>',
  triangle: '<path d="M16 3 30 28H2Z"/>',
  star: '<path d="m16 2 4.1 9.3 10.1 1-7.6 6.7 2.2 9.9L16 23.7l-8.8 5.2 2.2-9.9-7.6-6.7 10.1-1Z"/>',
  heart:
    '<path d="M16 29C6 21 2 16 2 10.500a7.200 7.200 0 0 1 14-2.500 7.200 7.200 0 0 1 14 2.500C30 16 26 21 16 29Z"/>',
  diamond: '<path d="M16 2 28 16 16 30 4 16Z"/>',
}

function drawBackground(background: Background): string {
  const rect = (fill: string, rest = ''): string =>
    `<rect width="${SCENE_SIZE}" height="${SCENE_SIZE}" fill="${fill}"${rest}/>`
  switch (background.style) {
    case 'plain':
      return rect(background.colour)
    case 'gradient':
      return `<defs><linearGradient id="bg" x2="0" y2="1"><stop stop-color="${background.from}"/><stop offset="1" stop-color="${background.to}"/></linearGradient></defs>${rect('url(#bg)')}`
    case 'striped':
      return `<defs><pattern id="bg" width="28" height="28" patternUnits="userSpaceOnUse" patternTransform="rotate(${background.angle})"><rect width="28" height="28" fill="${background.colour}"/><rect width="14" height="28" fill="${background.stripe}"/></pattern></defs>${rect('url(#bg)')}`
    case 'meadow':
      return `${rect(background.sky)}<rect y="${background.horizon.toFixed(1)}" width="${SCENE_SIZE}" height="${SCENE_SIZE}" fill="${background.ground}"/>`
  }
}
