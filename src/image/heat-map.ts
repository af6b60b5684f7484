/** Where something looked, drawn over the picture: a sheet with a row for each layer and a column for each query. */

export interface Sheet {
  width: number
  height: number
  /** Row-major, width × height × 3. */
  rgb: Uint8Array<ArrayBuffer>
}

export interface Maps {
  layers: number
  queries: number
  /** Image tokens, the first of which is no patch: a class token and a square of patches. */
  tokens: number
  /** [layers, queries, tokens] */
  values: Float32Array
}

/** Between the pictures, in pixels. */
const GAP = 2

/** How much of the picture's own light is left where nothing looks. */
const DIM = 0.45

/** `picture`: RGB bytes of `size` × `size`. In each map the most that any patch has is full red. */
export function heatSheet(
  { layers, queries, tokens, values }: Maps,
  picture: Uint8Array,
  size: number,
): Sheet {
  const [width, height] = [queries, layers].map((count) => count * (size + GAP) - GAP) as [number, number]
  const rgb = new Uint8Array(width * height * 3).fill(255)
  const grid = Math.round(Math.sqrt(tokens - 1))
  for (let layer = 0; layer < layers; layer += 1)
    for (let query = 0; query < queries; query += 1) {
      const start = (layer * queries + query) * tokens
      const patches = values.subarray(start + 1, start + tokens)
      const most = patches.reduce((a, b) => Math.max(a, b), 0)
      const corner = layer * (size + GAP) * width + query * (size + GAP)
      for (let y = 0; y < size; y += 1)
        for (let x = 0; x < size; x += 1) {
          const patch = Math.floor((y * grid) / size) * grid + Math.floor((x * grid) / size)
          const heat = most > 0 ? (patches[patch] ?? 0) / most : 0
          lay(rgb, 3 * (corner + y * width + x), picture, 3 * (y * size + x), heat)
        }
    }
  return { width, height, rgb }
}

/** One pixel: the picture in grey and dark, and red by the heat on top. */
function lay(sheet: Uint8Array, to: number, picture: Uint8Array, from: number, heat: number): void {
  const [red = 0, green = 0, blue = 0] = picture.subarray(from, from + 3)
  // ITU-R BT.601, as Pillow makes grey.
  const grey = DIM * (0.299 * red + 0.587 * green + 0.114 * blue)
  sheet[to] = Math.round(grey + heat * (255 - grey))
  sheet[to + 1] = Math.round(grey * (1 - heat / 2))
  sheet[to + 2] = Math.round(grey * (1 - heat / 2))
}
