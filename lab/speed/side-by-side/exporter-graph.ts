/**
 * The decoder as an exporter gives it, over the very bytes of a pack's `decoder.weights`: separate q, k and v, attention
 * out of plain operators, a cache that grows by concatenation, biases and residuals added one by one, logits of every
 * row. Inputs and outputs are called as transformers.js expects them.
 */
import { GraphBuilder, type Value } from '../../../src/convert/onnx/graph-builder.ts'
import { planDecoder, type OptConfig } from '../../../src/convert/parts/opt.ts'
import { storagePolicy, WeightsPlanner, type Linear, type Norm } from '../../../src/convert/planner.ts'
import type { Initialiser, QuantiseRecipe } from '../../../src/convert/weights.ts'
import type { Precision } from '../../../src/pack/manifest.ts'

const POSITION_OFFSET = 2
/** What a masked score becomes: as in exports, the least float32. */
const MASKED = -3.4e38

/** `location` is the name of the weights file beside the graph. */
export function exporterGraph(
  config: OptConfig,
  precision: Precision,
  location: string,
): Uint8Array<ArrayBuffer> {
  const planner = new WeightsPlanner('decoder', storagePolicy(precision, false))
  const weights = planDecoder(planner, config)
  const graph = new GraphBuilder('float32', location)
  const { hiddenSize: hidden, heads, vocabulary } = config
  const size = hidden / heads
  const tokens = graph.input('input_ids', 'int64', ['batch', 'rows'])
  const mask = graph.input('attention_mask', 'int64', ['batch', 'total'])
  const positions = graph.input('position_ids', 'int64', ['batch', 'rows'])
  const norm = (x: Value, { weight, bias, epsilon }: Norm): Value =>
    graph.op('LayerNormalization', [x, graph.weight(weight), graph.weight(bias)], {
      axis: -1,
      epsilon: { float: epsilon },
    })
  const heading = (x: Value): Value =>
    graph.op('Transpose', [graph.op('Reshape', [x, graph.integers([0, 0, heads, size])])], {
      perm: [0, 2, 1, 3],
    })

  if (weights.embedding.kind !== 'blocks') throw new Error('This comparison is of quantised packs.')
  const { packed, scales, bits, blockSize } = weights.embedding.recipe
  const embedded = graph.op('GatherBlockQuantized', [graph.weight(packed), tokens, graph.weight(scales)], {
    bits,
    block_size: blockSize,
    gather_axis: 0,
    quantize_axis: 1,
  })
  const shifted = graph.op('Add', [positions, graph.integers([POSITION_OFFSET])])
  const place = graph.op('Gather', [graph.weight(weights.positions), shifted], { axis: 0 })
  let stream = graph.op('Add', [embedded, place])

  const total = graph.op('Gather', [graph.op('Shape', [mask]), scalar(graph, 1)], { axis: 0 })
  const columns = graph.op('Range', [scalar(graph, 0), total, scalar(graph, 1)])
  const rows = graph.op('Unsqueeze', [positions, graph.integers([1, 3])])
  const later = graph.op('Greater', [
    graph.op('Cast', [columns], { to: 1 }),
    graph.op('Cast', [rows], { to: 1 }),
  ])
  const bias = graph.op('Mul', [graph.op('Cast', [later], { to: 1 }), float(graph, MASKED)])

  weights.layers.forEach((layer, i) => {
    const cache = ['batch', heads, 'past', size]
    const pastKey = graph.input(`past_key_values.${i}.key`, 'float32', cache)
    const pastValue = graph.input(`past_key_values.${i}.value`, 'float32', cache)
    const normed = norm(stream, layer.norm1)
    const [query = '', key = '', value = ''] = [0, 1, 2].map((part) =>
      heading(plainLinear(graph, normed, partOf(layer.qkv, part))),
    )
    const scaled = graph.op('Mul', [query, float(graph, size ** -0.5)])
    const [keys = ''] = graph.ops('Concat', [pastKey, key], [`present.${i}.key`], { axis: 2 })
    const [values = ''] = graph.ops('Concat', [pastValue, value], [`present.${i}.value`], { axis: 2 })
    for (const part of ['key', 'value'])
      graph.namedOutput(`present.${i}.${part}`, 'float32', ['batch', heads, 'total', size])
    const scores = graph.op('MatMul', [scaled, graph.op('Transpose', [keys], { perm: [0, 1, 3, 2] })])
    const weightsOf = graph.op('Softmax', [graph.op('Add', [scores, bias])], { axis: -1 })
    const mixed = graph.op('Transpose', [graph.op('MatMul', [weightsOf, values])], { perm: [0, 2, 1, 3] })
    const joined = graph.op('Reshape', [mixed, graph.integers([0, 0, hidden])])
    stream = graph.op('Add', [stream, plainLinear(graph, joined, layer.output)])
    const wide = graph.op('Relu', [plainLinear(graph, norm(stream, layer.norm2), layer.fc1)])
    stream = graph.op('Add', [stream, plainLinear(graph, wide, layer.fc2)])
  })
  const logits = graph.op(
    'MatMulNBits',
    [norm(stream, weights.finalNorm), graph.weight(packed), graph.weight(scales)],
    {
      K: hidden,
      N: vocabulary,
      bits,
      block_size: blockSize,
      accuracy_level: 0,
    },
  )
  graph.output('logits', logits, 'float32', ['batch', 'rows', vocabulary])
  return graph.finish('decoder')
}

/** The integer in a tensor of no dimensions. */
function scalar(graph: GraphBuilder, value: number): Value {
  return graph.op('Squeeze', [graph.integers([value])])
}

/** A float constant: the builder writes integers only. */
function float(graph: GraphBuilder, value: number): Value {
  return graph.op('Constant', [], { value_float: { float: value } })
}

/** Rows `part` · outputs … of three stacked matrices. */
function partOf(linear: Linear, part: number): Linear {
  if (linear.kind !== 'blocks' || linear.bias === null) throw new Error('q, k and v have blocks and biases.')
  const { recipe, bias } = linear
  const third = (whole: Initialiser): Initialiser => ({
    ...whole,
    name: `${whole.name}.${part}`,
    dims: [(whole.dims[0] ?? 0) / 3, ...whole.dims.slice(1)],
    offset: whole.offset + (part * whole.bytes) / 3,
    bytes: whole.bytes / 3,
  })
  const own: QuantiseRecipe = {
    ...recipe,
    rows: recipe.rows / 3,
    packed: third(recipe.packed),
    scales: third(recipe.scales),
  }
  return { kind: 'blocks', recipe: own, bias: third(bias) }
}

function plainLinear(graph: GraphBuilder, x: Value, layer: Linear): Value {
  if (layer.kind !== 'blocks' || layer.bias === null)
    throw new Error('This comparison is of quantised packs.')
  const { rows, columns, bits, blockSize, packed, scales } = layer.recipe
  const blocks = columns / blockSize
  const inputs = [x, graph.weight(packed, [rows, blocks, (blockSize * bits) / 8]), graph.weight(scales)]
  const attributes = { K: columns, N: rows, bits, block_size: blockSize, accuracy_level: 0 }
  return graph.op('Add', [graph.op('MatMulNBits', inputs, attributes), graph.weight(layer.bias)])
}
