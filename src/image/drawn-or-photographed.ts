/**
 * Drawn or photographed? A drawn scene is flat: a few colours, each in one shade or two, cover nearly all of it. Light
 * falling on real things gives every colour many shades. Made for one purpose, to tell people that a model which has
 * only seen drawn scenes is out of its depth; a wrong alarm over a drawing is worse than a photograph that is missed.
 */
import type { RgbRows } from './pixels.ts'
import { resizeBicubic } from './resize.ts'

/** At this size the noise of sensors and of JPEG is averaged out, and stripes and dots are still there. */
const SIDE = 112
/** Each channel in 32 levels: steps of 8 of 256. */
const LEVELS = 32
/** Background, its pattern or horizon, and two large things. */
const COLOURS = 4
/**
 * Four colours cover at least this much of a drawn scene. Of 1,000 clean scenes none had less than 0.81 and of 1,000
 * with blur, other light, turned and as JPEG of quality 45 to 95 none less than 0.70 (0.74 at the worst hundredth);
 * half of the photographs that were tried have less than 0.45.
 */
const LEAST_OF_A_DRAWING = 0.65
/** A pixel whose channels are further apart than this is coloured; a grey picture has hardly any. */
const GREY = 24
const COLOURED_OF_A_GREY_PICTURE = 0.02
/** Greys are a line through all colours: to tell as many of them apart, a shade is this much to either side, of 256. */
const SHADE = 6
/**
 * Of 1,000 scenes turned grey, half of them blurred and as JPEG, four shades covered 0.77 or more, and 0.87 of those that
 * are grey by themselves; of most photographs turned grey 0.35 to 0.71.
 */
const LEAST_OF_A_GREY_DRAWING = 0.75

/** Whether a picture has more shades than a drawing. Photographs of clear sky, fog and the like may pass as drawn. */
export function looksPhotographed(rows: RgbRows): boolean {
  const rgb = resizeBicubic(rows, SIDE)
  if (shareOfCommonColours(rgb) < LEAST_OF_A_DRAWING) return true
  return isGrey(rgb) && shareOfCommonShades(rgb) < LEAST_OF_A_GREY_DRAWING
}

/** How much of a picture of SIDE × SIDE its commonest colours cover, each with the shades next to it: 0 to 1. */
export function shareOfCommonColours(rgb: Uint8Array): number {
  const counts = countColours(rgb)
  let covered = 0
  for (let taken = 0; taken < COLOURS; taken += 1) covered += takeCommonest(counts)
  return covered / (SIDE * SIDE)
}

function isGrey(rgb: Uint8Array): boolean {
  let coloured = 0
  for (let at = 0; at < rgb.length; at += 3) {
    const [r, g, b] = [rgb[at] ?? 0, rgb[at + 1] ?? 0, rgb[at + 2] ?? 0]
    if (Math.max(r, g, b) - Math.min(r, g, b) > GREY) coloured += 1
  }
  return coloured < COLOURED_OF_A_GREY_PICTURE * SIDE * SIDE
}

/** The same of shades of grey. */
function shareOfCommonShades(rgb: Uint8Array): number {
  const counts = new Uint16Array(256)
  for (let at = 0; at < rgb.length; at += 3) {
    const shade = Math.round(((rgb[at] ?? 0) + (rgb[at + 1] ?? 0) + (rgb[at + 2] ?? 0)) / 3)
    counts[shade] = (counts[shade] ?? 0) + 1
  }
  let covered = 0
  for (let taken = 0; taken < COLOURS; taken += 1) covered += takeCommonestShade(counts)
  return covered / (SIDE * SIDE)
}

/** Takes the stretch of shades with the most pixels out of `counts`. Returns how many pixels that is. */
function takeCommonestShade(counts: Uint16Array): number {
  let [most, begin] = [0, 0]
  for (let first = 0; first < counts.length; first += 1) {
    const pixels = counts.subarray(first, first + 2 * SHADE + 1).reduce((sum, count) => sum + count, 0)
    if (pixels > most) [most, begin] = [pixels, first]
  }
  counts.fill(0, begin, begin + 2 * SHADE + 1)
  return most
}

/** Pixels of each coarse colour, [red, green, blue]. */
function countColours(rgb: Uint8Array): Uint16Array {
  const counts = new Uint16Array(LEVELS ** 3)
  for (let at = 0; at < rgb.length; at += 3) {
    const [r, g, b] = [level(rgb[at]), level(rgb[at + 1]), level(rgb[at + 2])]
    const index = indexOf(r, g, b)
    counts[index] = (counts[index] ?? 0) + 1
  }
  return counts
}

/** Takes the commonest colour out of `counts`, with its neighbours in all directions. Returns how many pixels that is. */
function takeCommonest(counts: Uint16Array): number {
  let most = 0
  for (let index = 1; index < counts.length; index += 1)
    if ((counts[index] ?? 0) > (counts[most] ?? 0)) most = index
  const [r, g, b] = [Math.floor(most / LEVELS ** 2), Math.floor(most / LEVELS) % LEVELS, most % LEVELS]
  let pixels = 0
  for (const red of nextTo(r))
    for (const green of nextTo(g))
      for (const blue of nextTo(b)) {
        const index = indexOf(red, green, blue)
        pixels += counts[index] ?? 0
        counts[index] = 0
      }
  return pixels
}

function nextTo(level: number): number[] {
  return [level - 1, level, level + 1].filter((one) => one >= 0 && one < LEVELS)
}

function level(byte = 0): number {
  return (byte * LEVELS) >> 8
}

function indexOf(red: number, green: number, blue: number): number {
  return (red * LEVELS + green) * LEVELS + blue
}
