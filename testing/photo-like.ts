/**
 * Pictures with the statistics of photographs, for tests: no photograph is in this repository. Detail at every size
 * falls off as in nature (1/f), two surfaces meet at edges, corners are darker, the sensor is noisy, and it is a JPEG.
 */
import sharp from 'sharp'
import { seededRandom, type Random } from '../src/scenes/random.ts'

export interface PhotoLike {
  seed: number
  width: number
  height: number
}

/** A JPEG file. */
export function photoLike({ seed, width, height }: PhotoLike): Promise<Buffer> {
  const random = seededRandom(seed)
  const light = naturalNoise(random, width, height)
  const warmth = naturalNoise(random, width, height)
  const edges = naturalNoise(random, width, height)
  const surfaces = [surface(random), surface(random)] as const
  const contrast = random.between(80, 140)
  const grain = random.between(4, 14)
  const vignette = random.between(0.1, 0.8)
  const rgb = new Uint8ClampedArray(width * height * 3)
  for (let i = 0; i < width * height; i += 1) {
    const colour = surfaces[(edges[i] ?? 0) > 0 ? 0 : 1]
    const [x, y] = [(i % width) / width - 0.5, Math.floor(i / width) / height - 0.5]
    const fall = 1 - vignette * (x * x + y * y)
    for (let channel = 0; channel < 3; channel += 1) {
      const shade = (light[i] ?? 0) + 0.4 * (channel - 1) * (warmth[i] ?? 0)
      const lit = ((colour[channel] ?? 0) + contrast * shade) * fall
      rgb[i * 3 + channel] = lit + grain * (random.next() + random.next() - 1)
    }
  }
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: Math.round(random.between(60, 92)) })
    .toBuffer()
}

function surface(random: Random): [number, number, number] {
  return [random.between(50, 210), random.between(50, 210), random.between(50, 210)]
}

/** Values around 0, [height, width]: smooth noise at every size from half the picture to a pixel. */
function naturalNoise(random: Random, width: number, height: number): Float32Array {
  const sum = new Float32Array(width * height)
  let amplitude = 1
  for (let cells = 2; cells <= Math.max(width, height); cells *= 2) {
    addNoise(sum, { random, width, height, cells, amplitude })
    amplitude *= 0.6
  }
  return sum
}

function addNoise(
  sum: Float32Array,
  {
    random,
    width,
    height,
    cells,
    amplitude,
  }: { random: Random; width: number; height: number; cells: number; amplitude: number },
): void {
  const columns = cells + 2
  const grid = new Float32Array(columns * columns)
  for (let i = 0; i < grid.length; i += 1) grid[i] = random.next() - 0.5
  // The same in every row.
  const columnOf = new Int32Array(width)
  const acrossOf = new Float64Array(width)
  for (let x = 0; x < width; x += 1) [columnOf[x], acrossOf[x]] = placeIn((x / width) * cells)
  const lineOf = (row: number, line: Float64Array): void => {
    for (let x = 0; x < width; x += 1) {
      const at = row * columns + (columnOf[x] ?? 0)
      line[x] = mix(grid[at] ?? 0, grid[at + 1] ?? 0, acrossOf[x] ?? 0)
    }
  }
  // Lines of the grid, each as wide as the picture: the same for all rows between two of them.
  const [above, below] = [new Float64Array(width), new Float64Array(width)]
  let between = -1
  for (let y = 0; y < height; y += 1) {
    const [row, down] = placeIn((y / height) * cells)
    if (row !== between) {
      lineOf(row, above)
      lineOf(row + 1, below)
      between = row
    }
    for (let x = 0; x < width; x += 1) {
      const i = y * width + x
      sum[i] = (sum[i] ?? 0) + amplitude * mix(above[x] ?? 0, below[x] ?? 0, down)
    }
  }
}

/** Which cell, and how far into it, eased. */
function placeIn(position: number): [cell: number, share: number] {
  const cell = Math.floor(position)
  const share = position - cell
  return [cell, share * share * (3 - 2 * share)]
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share
}
