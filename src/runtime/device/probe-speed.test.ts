import { expect, it } from 'vitest'
import { GraphBuilder } from '../../convert/onnx/graph-builder.ts'
import { liveTensorCount } from '../ort/tensor.ts'
import { openCompute } from './open-compute.ts'
import { GRAPH, PRODUCTS, probeSpeed } from './probe-speed.ts'

it('keeps the graph that the builder makes', () => {
  const graph = new GraphBuilder('float32', '')
  const x = graph.input('x', 'float32', ['rows', 'width'])
  const w = graph.input('w', 'float32', ['width', 'width'])
  let y = x
  for (let i = 0; i < PRODUCTS; i += 1) y = graph.op('MatMul', [y, w])
  graph.output('y', y, 'float32', ['rows', 'width'])
  expect(Buffer.from(graph.finish('speed')).toString('base64')).toBe(GRAPH)
})

it('finds what a processor can do, and leaves nothing behind', async () => {
  const speed = await probeSpeed(await openCompute('wasm'))
  // Between the slowest telephone and the fastest processor there is.
  expect(speed.flops).toBeGreaterThan(1e8)
  expect(speed.flops).toBeLessThan(1e13)
  expect(speed.bytesPerSecond).toBeGreaterThan(1e7)
  expect(speed.bytesPerSecond).toBeLessThan(1e12)
  expect(speed.launchMs).toBeGreaterThan(0)
  expect(liveTensorCount()).toBe(0)
})
