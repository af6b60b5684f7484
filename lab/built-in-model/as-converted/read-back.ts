/** Writes weights as a conversion does and reads them back as the kernels would see them. */
import { elementsOf, type Checkpoint } from '../../../src/convert/checkpoint.ts'
import { produce } from '../../../src/convert/produce.ts'
import { dequantiseBlocks } from '../../../src/convert/quantise.ts'
import type { Initialiser, Recipe, WeightsPlan } from '../../../src/convert/weights.ts'
import { f16ToF32 } from '../../../src/pack/float16.ts'

/** The tensors that a plan reads, each with what became of its values, in the layout of the checkpoint. */
export async function readBack(
  { recipes, bytes }: WeightsPlan,
  checkpoint: Checkpoint,
): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const file = new Uint8Array(bytes)
  for await (const { pieces } of produce(recipes, checkpoint))
    for (const piece of pieces) file.set(piece.bytes, piece.offset)
  const tensors = new Map<string, Float32Array<ArrayBuffer>>()
  for (const recipe of recipes) {
    const values = valuesOf(recipe, file.buffer)
    let position = 0
    for (const { tensor, shape } of recipe.sources) {
      const end = position + elementsOf(shape)
      tensors.set(tensor, values.slice(position, end))
      position = end
    }
  }
  return tensors
}

/** All sources of a recipe, stacked as they were read. */
function valuesOf(recipe: Recipe, file: ArrayBuffer): Float32Array<ArrayBuffer> {
  if (recipe.kind === 'store') {
    const values = floats(recipe.output, file)
    const [columns = 1, rows = 1] = recipe.output.dims
    return recipe.transpose ? transposed(values, columns, rows) : values
  }
  if (recipe.kind === 'interpolate') throw new Error('Positions that were interpolated cannot be read back.')
  const { packed, scales, rows, columns, bits } = recipe
  const blocks = { packed: new Uint8Array(file, packed.offset, packed.bytes), scales: floats(scales, file) }
  return dequantiseBlocks(blocks, rows, columns, bits)
}

function floats({ type, offset, bytes }: Initialiser, file: ArrayBuffer): Float32Array<ArrayBuffer> {
  if (type === 'float16') return f16ToF32(new Uint16Array(file, offset, bytes / 2))
  return new Float32Array(file.slice(offset, offset + bytes))
}

/** [rows, columns] → [columns, rows]. */
function transposed(
  values: Float32Array<ArrayBuffer>,
  rows: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length)
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1)
      out[column * rows + row] = values[row * columns + column] ?? 0
  return out
}
