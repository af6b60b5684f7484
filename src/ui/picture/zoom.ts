/** Where a picture stands in its frame while people look closer: plain arithmetic over one transform. */

/** `x` and `y` are how far its middle is from the frame's, in CSS pixels; at `scale` 1 the whole picture fits. */
export interface View {
  scale: number
  x: number
  y: number
}

export interface Size {
  width: number
  height: number
}

export interface Point {
  x: number
  y: number
}

export const WHOLE: View = { scale: 1, x: 0, y: 0 }
/** A pixel of a large photograph is then several pixels of the screen. */
export const MOST_ZOOM = 16

/** Zooms by `factor` so that what lies under `at` (from the frame's middle) stays there. */
export function zoomAt(view: View, factor: number, at: Point): View {
  const scale = Math.min(MOST_ZOOM, Math.max(1, view.scale * factor))
  const by = scale / view.scale
  return { scale, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by }
}

/** Moves it, but never so that the frame shows less of it than it could. `fitted`: the picture at scale 1. */
export function within(view: View, fitted: Size, frame: Size): View {
  const room = (size: number, around: number): number => Math.max(0, (size * view.scale - around) / 2)
  const clamp = (value: number, most: number): number => Math.min(most, Math.max(-most, value)) + 0
  return {
    scale: view.scale,
    x: clamp(view.x, room(fitted.width, frame.width)),
    y: clamp(view.y, room(fitted.height, frame.height)),
  }
}

/** The factor of a wheel's turn: as much for a notch of a mouse as for the many small steps of a touchpad. */
export function wheelFactor({ deltaY, deltaMode }: { deltaY: number; deltaMode: number }): number {
  // Lines and pages, where browsers do not count in pixels.
  const pixels = deltaY * (deltaMode === 1 ? 16 : deltaMode === 2 ? 400 : 1)
  return Math.exp(-Math.min(200, Math.max(-200, pixels)) / 300)
}

/** How far apart two fingers are, and where their middle is. */
export function pinch(a: Point, b: Point): { distance: number; middle: Point } {
  return { distance: Math.hypot(a.x - b.x, a.y - b.y), middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } }
}
