/** What the first layer reads: a token's row of the table or a query embedding, plus the row of its position. */
import type { Kernel } from '../../gpu/kernel.ts'
import { QUERY_BIT, stateBinding } from '../../gpu/state.ts'
import {
  floatArray,
  readFloat,
  unitOf,
  unpackWord,
  valuesOfWord,
  type BlockFormat,
  type FloatType,
} from '../../gpu/weights-format.ts'

export interface EmbedShape {
  hidden: number
  vocabulary: number
  format: BlockFormat
  /** Rows of the position table, and how it is stored. */
  positions: { rows: number; type: FloatType; offset: number }
}

/** Bindings: packed table, scales, position table, query embeddings [Q, hidden], run, output [rows, hidden]. One workgroup a row. */
export function embedKernel(
  shape: EmbedShape,
  { threads, packed4x8 }: { threads: number; packed4x8: boolean },
): Kernel {
  const { hidden, vocabulary, format, positions } = shape
  const values = valuesOfWord(format)
  const blocks = hidden / format.blockSize
  const code = `
const HIDDEN = ${hidden}u;
@group(0) @binding(0) var<storage, read> packed: array<u32, ${(vocabulary * hidden) / values}>;
@group(0) @binding(1) var<storage, read> scales: ${floatArray(format.scales, vocabulary * blocks)};
@group(0) @binding(2) var<storage, read> positions: ${floatArray(positions.type, positions.rows * hidden)};
@group(0) @binding(3) var<storage, read> queries: array<f32>;
${stateBinding(4)}
@group(0) @binding(5) var<storage, read_write> output: array<f32>;
${readFloat('scaleAt', 'scales', format.scales)}
${readFloat('positionAt', 'positions', positions.type)}
${unpackWord(format, packed4x8)}

fn tableAt(row: u32, i: u32) -> f32 {
  let word = packed[(row * HIDDEN + i) / ${values}u];
  ${format.bits === 8 ? 'let value = low(word)[i % 4u];' : 'let value = select(low(word)[(i % 8u) / 2u], high(word)[(i % 8u) / 2u], i % 2u == 1u);'}
  return value * (scaleAt(row * ${blocks}u + i / ${format.blockSize}u) * ${unitOf(format, packed4x8)});
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) t: u32) {
  let row = workgroup.x;
  let place = run[1u + row];
  for (var i = t; i < HIDDEN; i += ${threads}u) {
    var value = 0.0;
    if ((place.x & ${QUERY_BIT}u) == 0u) {
      value = tableAt(min(place.x, ${vocabulary - 1}u), i);
    } else {
      value = queries[(place.x & ${QUERY_BIT - 1}u) * HIDDEN + i];
    }
    output[row * HIDDEN + i] = value + positionAt((place.y + ${positions.offset}u) * HIDDEN + i);
  }
}
`
  return { label: `embed ${hidden}`, code, bindings: ['read', 'read', 'read', 'read', 'uniform', 'write'] }
}
