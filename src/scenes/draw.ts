/** A scene as SVG text: no scripts, no references outside itself. */
import type { Background } from './background.ts'
import { containerParts, drawingOf } from './drawings.ts'
import { isContainer } from './kinds.ts'
import { SCENE_SIZE } from './place.ts'
import type { Scene, SceneObject } from './scene.ts'

/** A picture taken not quite straight: degrees clockwise about the middle, then a shift in picture units. */
export interface Camera {
  rotation: number
  right: number
  down: number
}

/** Something plain in front of the scene, in picture units. */
export interface Obstacle {
  x: number
  y: number
  width: number
  height: number
  colour: string
}

export interface View {
  /** Width and height of the picture. */
  pixels?: number
  camera?: Camera
  obstacles?: readonly Obstacle[]
}

/** The whole picture as an SVG document. */
export function drawScene(scene: Scene, { pixels = SCENE_SIZE, camera, obstacles = [] }: View = {}): string {
  const box = `viewBox="0 0 ${SCENE_SIZE} ${SCENE_SIZE}" width="${pixels}" height="${pixels}"`
  const bars = obstacles.map(
    ({ x, y, width, height, colour }) =>
      `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" fill="${colour}"/>`,
  )
  const inside = `${drawBackground(scene.background)}${inOrder(scene).join('')}${bars.join('')}`
  const turned = camera === undefined ? inside : `<g transform="${cameraTransform(camera)}">${inside}</g>`
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${box}>${turned}</svg>`
}

const MIDDLE = SCENE_SIZE / 2

function cameraTransform({ rotation, right, down }: Camera): string {
  return `translate(${right.toFixed(2)} ${down.toFixed(2)}) rotate(${rotation.toFixed(2)} ${MIDDLE} ${MIDDLE})`
}

/** Where a point of the scene is seen. */
export function seenAt({ x, y }: { x: number; y: number }, camera: Camera): { x: number; y: number } {
  const angle = (camera.rotation * Math.PI) / 180
  const [across, along] = [x - MIDDLE, y - MIDDLE]
  return {
    x: MIDDLE + across * Math.cos(angle) - along * Math.sin(angle) + camera.right,
    y: MIDDLE + across * Math.sin(angle) + along * Math.cos(angle) + camera.down,
  }
}

/** What stands behind something is drawn before it, what is inside of a container between its back and its front. */
function inOrder({ objects }: Scene): string[] {
  const outside = objects.map((object, i) => ({ object, i })).filter(({ object }) => object.inside === null)
  const [behind, before] = [
    outside.filter(({ object }) => object.behind !== null),
    outside.filter(({ object }) => object.behind === null),
  ]
  return [...behind, ...before].map(({ object, i }) => {
    const content = objects.findIndex(({ inside }) => inside === i)
    const held = objects[content]
    if (held === undefined || !isContainer(object.kind))
      return placed(object, drawingOf(object.kind, object.colour, `o${i}-`))
    const { back, front } = containerParts(object.kind, object.colour ?? 'red')
    const inner = placed(held, drawingOf(held.kind, held.colour, `o${content}-`))
    return `${placed(object, back)}${inner}${placed(object, front)}`
  })
}

function placed({ size, x, y, rotation }: SceneObject, body: string): string {
  const place = `translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${rotation.toFixed(1)}) scale(${(size / 32).toFixed(3)}) translate(-16 -16)`
  return `<g transform="${place}">${body}</g>`
}

/** Larger than the picture, since a camera that is not straight sees past its edges. */
function rect(fill: string, top = -SCENE_SIZE / 2): string {
  return `<rect x="${-SCENE_SIZE / 2}" y="${top.toFixed(1)}" width="${2 * SCENE_SIZE}" height="${2 * SCENE_SIZE}" fill="${fill}"/>`
}

const MARKS = {
  striped: '<rect width="14" height="28"/>',
  checked: '<path d="M0 0h14v14H0zM14 14h14v14H14z"/>',
  dotted: '<circle cx="14" cy="14" r="6"/>',
} as const

function drawBackground(background: Background): string {
  switch (background.style) {
    case 'plain':
      return rect(background.colour)
    case 'gradient':
      return `<defs><linearGradient id="bg" x2="0" y2="1"><stop stop-color="${background.from}"/><stop offset="1" stop-color="${background.to}"/></linearGradient></defs>${rect('url(#bg)')}`
    case 'striped':
    case 'checked':
    case 'dotted': {
      const { colour, mark, angle, style } = background
      return `<defs><pattern id="bg" width="28" height="28" patternUnits="userSpaceOnUse" patternTransform="rotate(${angle})"><rect width="28" height="28" fill="${colour}"/><g fill="${mark}">${MARKS[style]}</g></pattern></defs>${rect('url(#bg)')}`
    }
    case 'field':
    case 'beach':
      return `${rect(background.sky)}${rect(background.ground, background.horizon)}`
  }
}
