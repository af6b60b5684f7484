/**
 * What kernels of our own take of a graphics device besides weights and caches, in bytes: the values on their way through a
 * part. Told from shapes alone, before anything is opened, so these are bounds; what is really made is a little less.
 * ONNX Runtime's values are nobody's to count, and take about as much.
 */
import type { DecoderShape, VisionShape } from './shapes.ts'

const NUMBER_BYTES = 4

/** How many times as wide as the rest the middle of a layer is: 4.36 in EVA's ViT-g, 4 elsewhere. Shapes do not say it. */
const WIDEST = 4.5

/** Outputs of a tile of a matrix. */
const TILE_OUTPUTS = 64

/** Of a picture: tokens of a tile at most, and workgroups that share a product. */
const TILE_TOKENS = 128
const PICTURE_WORKGROUPS = 396

/** Tokens are filled up to whole tiles: of no published picture by more than this. */
const FILLED_UP = 1.05

/** Of words: rows of one run, those whose logits are wanted, rows of a tile, and workgroups that share a product. */
const RUN_ROWS = 256
const LOGIT_ROWS = 32
const TILE_ROWS = 32
const WORD_WORKGROUPS = 640

/** Records of the likeliest ids and what is wanted of them. */
const FOUND_BYTES = 2 ** 20

/** Of a vision encoder. */
export function encoderWorkBytes({ imageSize, patchSize, hiddenSize, tokens }: VisionShape): number {
  const columns = Math.ceil(FILLED_UP * tokens)
  const patch = 3 * patchSize ** 2
  const wide = WIDEST * hiddenSize
  // What the stream begins as, it and it normalised, queries, keys, values, and what attention comes to.
  const values = columns * (patch + 7 * hiddenSize + wide)
  const partial = Math.max(
    wide * columns,
    PICTURE_WORKGROUPS * TILE_OUTPUTS * (columns / Math.ceil(tokens / TILE_TOKENS)) +
      (3 * hiddenSize * columns) / 2,
  )
  // The matrix of the patches lies there in float32, whatever it is stored as.
  return NUMBER_BYTES * (3 * imageSize ** 2 + values + partial + patch * hiddenSize)
}

/** Of an OPT decoder whose sequences have `positions` at most. */
export function decoderWorkBytes({ hiddenSize, heads, vocabulary, positions }: DecoderShape): number {
  const rows = Math.min(RUN_ROWS, positions)
  const logitRows = Math.min(LOGIT_ROWS, rows)
  const wide = WIDEST * hiddenSize
  // The stream, it normalised, queries, and what attention comes to.
  const values = rows * (4 * hiddenSize + wide + 2 * heads)
  const partial = Math.max(
    wide * rows,
    vocabulary * logitRows,
    (wide * rows) / 2 + WORD_WORKGROUPS * TILE_OUTPUTS * TILE_ROWS,
  )
  // Logits lie on the device and where they come back; the table says of each row's positions where they lie.
  const ends = logitRows * (2 * vocabulary + positions)
  return NUMBER_BYTES * (values + partial + ends) + FOUND_BYTES
}
