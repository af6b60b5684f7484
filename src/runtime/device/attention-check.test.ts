import { expect, it } from 'vitest'
import { GraphBuilder } from '../../convert/onnx/graph-builder.ts'
import { attentionErrors, GRAPHS, HEADS, HEAD_SIZE, KEYS, QUERIES } from './attention-check.ts'
import { openCompute } from './open-compute.ts'

const WIDTH = HEADS * HEAD_SIZE

/** What `GRAPHS` keeps as bytes: attention in float32, and in float16 besides. */
function graph(half: boolean): string {
  const graph = new GraphBuilder('float32', '')
  const inputs = [
    graph.input('query', 'float32', [1, QUERIES, WIDTH]),
    graph.input('key', 'float32', [1, KEYS, WIDTH]),
    graph.input('value', 'float32', [1, KEYS, WIDTH]),
  ]
  const attributes = { num_heads: HEADS }
  const dims = [1, QUERIES, WIDTH]
  graph.output('float32', graph.op('MultiHeadAttention', inputs, attributes), 'float32', dims)
  if (half) {
    const halves = inputs.map((input) => graph.cast(input, 'float32', 'float16'))
    const attended = graph.op('MultiHeadAttention', halves, attributes)
    graph.output('float16', graph.cast(attended, 'float16', 'float32'), 'float32', dims)
  }
  return Buffer.from(graph.finish('attention')).toString('base64')
}

it('keeps the graphs that the builder makes', () => {
  expect({ float32: graph(false), both: graph(true) }).toEqual(GRAPHS)
})

it('agrees with ONNX Runtime on the processor', async () => {
  const errors = await attentionErrors(await openCompute('wasm'))
  expect(errors.float32).toBeLessThan(1e-5)
  expect(errors.float16).toBeNull()
})
