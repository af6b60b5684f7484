/** The layers that all three graphs are made of, in the operators that ort-web's WebGPU provider fuses. */
import type { GraphBuilder, Value } from './graph-builder.ts'
import type { Linear, Norm, RmsNorm } from '../planner.ts'
import type { QuantiseRecipe } from '../weights.ts'

/** x [.., inputs] → [.., outputs]. `withBias` false leaves the bias to the `addNorm` that follows. */
export function linear(graph: GraphBuilder, x: Value, layer: Linear, withBias = true): Value {
  const bias = withBias && layer.bias !== null ? graph.weight(layer.bias) : null
  if (layer.kind === 'dense') {
    const dense = graph.op('MatMul', [x, graph.weight(layer.weight)])
    return bias === null ? dense : graph.op('Add', [dense, bias])
  }
  const { rows, columns, bits, blockSize, packed } = layer.recipe
  const blocks = Math.ceil(columns / blockSize)
  return product(graph, x, layer.recipe, graph.weight(packed, [rows, blocks, (blockSize * bits) / 8]), bias)
}

/** x [.., inputs] times blocks → [.., outputs]. `packed` names their bytes, in two or three dimensions. */
export function product(
  graph: GraphBuilder,
  x: Value,
  { rows, columns, bits, blockSize, scales }: QuantiseRecipe,
  packed: Value,
  bias: Value | null = null,
): Value {
  const inputs = [x, packed, graph.weight(scales), ...(bias === null ? [] : ['', '', bias])]
  return graph.op('MatMulNBits', inputs, {
    K: columns,
    N: rows,
    bits,
    block_size: blockSize,
    accuracy_level: graph.accuracyLevel,
  })
}

export function layerNorm(graph: GraphBuilder, x: Value, norm: Norm): Value {
  const inputs = [x, graph.weight(norm.weight), graph.weight(norm.bias)]
  return graph.op('LayerNormalization', inputs, { axis: -1, epsilon: { float: norm.epsilon } })
}

/** sum = x + residual (+ bias); returns [normalised sum, sum]. The bias is the one that `linear` left out. */
export function addNorm(
  graph: GraphBuilder,
  x: Value,
  residual: Value,
  norm: Norm,
  layer?: Linear,
): [Value, Value] {
  const bias = layer?.bias ? [graph.weight(layer.bias)] : []
  const inputs = [x, residual, graph.weight(norm.weight), graph.weight(norm.bias), ...bias]
  const outputs = graph.ops('SkipLayerNormalization', inputs, [null, '', '', null], {
    epsilon: { float: norm.epsilon },
  })
  return [outputs[0] ?? '', outputs[3] ?? '']
}

/** As `addNorm` where the sum itself is not needed again (post-norm blocks, the last norm of a graph). */
export function addNormOnly(
  graph: GraphBuilder,
  x: Value,
  residual: Value,
  norm: Norm,
  layer?: Linear,
): Value {
  const bias = layer?.bias ? [graph.weight(layer.bias)] : []
  const inputs = [x, residual, graph.weight(norm.weight), graph.weight(norm.bias), ...bias]
  return graph.op('SkipLayerNormalization', inputs, { epsilon: { float: norm.epsilon } })
}

/** Splits the last axis into `parts` equal ones. */
export function split(graph: GraphBuilder, x: Value, parts: number): Value[] {
  return graph.ops(
    'Split',
    [x],
    Array.from({ length: parts }, () => null),
    { axis: -1, num_outputs: parts },
  )
}

/** Full attention: query [1, n, hidden], key and value [1, m, hidden] → [1, n, hidden]; scale head size^-0.5. */
export function attention(graph: GraphBuilder, query: Value, key: Value, value: Value, heads: number): Value {
  return graph.op('MultiHeadAttention', [query, key, value], { num_heads: heads })
}

/** x ÷ its root mean square along the last axis, times the weight. */
export function rmsNorm(graph: GraphBuilder, x: Value, norm: RmsNorm): Value {
  return graph.op('SimplifiedLayerNormalization', [x, graph.weight(norm.weight)], {
    axis: -1,
    epsilon: { float: norm.epsilon },
  })
}

/** sum = x + residual; returns [normalised sum, sum]. */
export function addRmsNorm(graph: GraphBuilder, x: Value, residual: Value, norm: RmsNorm): [Value, Value] {
  const inputs = [x, residual, graph.weight(norm.weight)]
  const outputs = graph.ops('SkipSimplifiedLayerNormalization', inputs, [null, '', '', null], {
    epsilon: { float: norm.epsilon },
  })
  return [outputs[0] ?? '', outputs[3] ?? '']
}
