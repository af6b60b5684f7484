import { expect, it } from 'vitest'
import { GraphBuilder } from '../../../convert/onnx/graph-builder.ts'
import { f32ToF16 } from '../../../convert/dtypes.ts'
import { openCompute } from '../../device/open-compute.ts'
import { Runtime } from '../runtime.ts'

const GIB = 2 ** 30
const COUNT = 16

/** Bytes of a file as long as you like, of which every value says how many GiB of the file lie before it. */
class FarFile extends Uint8Array<ArrayBuffer> {
  readonly #type: 'float16' | 'float32'
  readonly #start: number

  constructor(type: 'float16' | 'float32', length: number, start = 0) {
    super(new ArrayBuffer(0))
    this.#type = type
    this.#start = start
    Object.defineProperty(this, 'byteLength', { value: length })
  }

  override subarray(start = 0, end?: number): Uint8Array<ArrayBuffer> {
    const from = this.#start + start
    if (end === undefined) return new FarFile(this.#type, this.byteLength - start, from)
    const values = new Float32Array((end - start) / (this.#type === 'float16' ? 2 : 4)).fill(
      Math.floor(from / GIB),
    )
    return new Uint8Array((this.#type === 'float16' ? f32ToF16(values).values : values).buffer)
  }
}

it.each([
  ['float16', 0],
  ['float16', 1],
  ['float16', 2],
  ['float16', 5],
  ['float32', 3],
  ['float32', 4],
  ['float32', 9],
] as const)('finds %s weights that lie behind %i GiB of a file', async (type, gib) => {
  const runtime = await Runtime.open(await openCompute('wasm'))
  const graph = new GraphBuilder('float32', 'far.weights')
  const x = graph.input('x', 'float32', [COUNT])
  const bytes = COUNT * (type === 'float16' ? 2 : 4)
  const weight = graph.weight({ name: 'w', type, dims: [COUNT], offset: gib * GIB + 64, bytes })
  graph.output('y', graph.op('Add', [x, weight]), 'float32', [COUNT])
  const session = await runtime.session({
    graph: graph.finish('far'),
    weights: { path: 'far.weights', data: new FarFile(type, 10 * GIB) },
    keepOnDevice: [],
  })
  const zeros = runtime.tensor('float32', new Float32Array(COUNT), [COUNT])
  const { y } = await session.run({ x: zeros })
  expect(await y?.read()).toEqual(new Float32Array(COUNT).fill(gib))
  y?.dispose()
  zeros.dispose()
  await session.dispose()
})
