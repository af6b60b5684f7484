/**
 * Under which names graphs ask for weights. ONNX Runtime Web counts bytes of a file with 32 bits (1.30): what lies behind
 * 4 GiB it does not find on the processor, and on WebGPU it takes what lies 4 GiB before, without a word. So a graph
 * names what lies far behind as if it were another file, one that begins there; whoever opens the graph provides those.
 */

/** ONNX Runtime Web counts bytes of a file up to here. */
const COUNTED_BYTES = 2 ** 32

/** Where one of them begins and the next: half of what can be counted, so that a tensor of as much fits behind any place. */
export const WINDOW_BYTES = COUNTED_BYTES / 2

/** What a graph does wrong that wants bytes of `location` up to `end`; null where they are found. */
export function reachProblem(location: string, end: number): string | null {
  return end <= COUNTED_BYTES ? null : `wants what lies too far behind in ${location} to be found`
}

/**
 * Where float32 graphs say that float16 weights lie: the weights file with every two bytes become four. No pack has
 * such a file; whoever opens the graph makes it up as it is read.
 */
export function widenedPath(weights: string): string {
  return `${weights}.f32`
}

/** A name that graphs may use, and what it is of the file at `start`, counted in bytes of it or (`widened`) of its float32 form. */
export interface WeightWindow {
  location: string
  widened: boolean
  start: number
}

/** What a graph says of weights that lie `at` so many bytes in a file, or in its float32 form. */
export function placeInWindow(
  weights: string,
  at: number,
  widened: boolean,
): { location: string; offset: number } {
  const offset = at % WINDOW_BYTES
  return { location: locationOf(weights, (at - offset) / WINDOW_BYTES, widened), offset }
}

/** Every name that a graph may use for a weights file of so many bytes. */
export function windowsOf(weights: string, bytes: number): WeightWindow[] {
  return [false, true].flatMap((widened) => {
    const length = widened ? 2 * bytes : bytes
    const count = Math.max(1, Math.ceil(length / WINDOW_BYTES))
    return Array.from({ length: count }, (_, number) => ({
      location: locationOf(weights, number, widened),
      widened,
      start: number * WINDOW_BYTES,
    }))
  })
}

/** What a graph that names `location` means by it; null for no part of this weights file. */
export function windowNamed(location: string, weights: string): WeightWindow | null {
  for (const widened of [true, false]) {
    const file = widened ? widenedPath(weights) : weights
    if (location === file) return { location, widened, start: 0 }
    const [, number] = location.startsWith(file)
      ? (/^\+([1-9]\d{0,4})$/.exec(location.slice(file.length)) ?? [])
      : []
    if (number !== undefined) return { location, widened, start: Number(number) * WINDOW_BYTES }
  }
  return null
}

function locationOf(weights: string, number: number, widened: boolean): string {
  const file = widened ? widenedPath(weights) : weights
  return number === 0 ? file : `${file}+${number}`
}
