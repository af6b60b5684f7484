/** A token table [vocabulary, hidden]: ids are looked up in it, and with a tied head it scores them, too. */
import type { GraphBuilder, Value } from './graph-builder.ts'
import { linear, product } from './layers.ts'
import type { Table } from '../planner.ts'

/** ids [B, T] → [B, T, hidden]. */
export function lookUp(graph: GraphBuilder, table: Table, ids: Value): Value {
  if (table.kind === 'dense') return graph.op('Gather', [graph.weight(table.weight), ids], { axis: 0 })
  const { packed, scales, bits, blockSize } = table.recipe
  const inputs = [graph.weight(packed), ids, graph.weight(scales)]
  return graph.op('GatherBlockQuantized', inputs, {
    bits,
    block_size: blockSize,
    gather_axis: 0,
    quantize_axis: 1,
  })
}

/**
 * x [1, R, hidden] → the scores of all tokens [1, R, vocabulary], with the table as the head. `sharedTable`: whether
 * look-up and head may name the quantised table by the same two dimensions. The WebGPU kernels take it so (one upload);
 * the CPU's `MatMulNBits` insists on three.
 */
export function scoreRows(graph: GraphBuilder, x: Value, table: Table, sharedTable: boolean): Value {
  if (table.kind === 'dense') {
    // The table lies by rows [vocabulary, hidden], so the product takes it transposed.
    const [vocabulary = 0, hidden = 0] = table.weight.dims
    const rows = graph.op('Reshape', [x, graph.integers([-1, hidden])])
    const scores = graph.op('Gemm', [rows, graph.weight(table.weight)], { transB: 1 })
    return graph.op('Reshape', [scores, graph.integers([1, -1, vocabulary])])
  }
  if (!sharedTable) return linear(graph, x, { kind: 'blocks', recipe: table.recipe, bias: null })
  return product(graph, x, table.recipe, graph.weight(table.recipe.packed))
}
