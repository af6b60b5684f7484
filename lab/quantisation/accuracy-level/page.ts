/** Runs in Chromium for lab/quantisation/accuracy-level.ts: matrix products and decoders at an `accuracy_level`. */
import { asFamily } from '../../../src/pack/manifest.ts'
import { GraphBuilder, type AccuracyLevel } from '../../../src/convert/onnx/graph-builder.ts'
import { linear } from '../../../src/convert/onnx/layers.ts'
import { storagePolicy, WeightsPlanner } from '../../../src/convert/planner.ts'
import { openTalkingModel } from '../../../src/runtime/models/models.ts'
import { openCompute, type Compute } from '../../../src/runtime/device/compute.ts'
import { Runtime } from '../../../src/runtime/ort/runtime.ts'
import type { Size } from '../../../src/synthetic/dimensions.ts'
import { syntheticPack } from '../../../src/synthetic/pack.ts'
import { valueSource } from '../../../src/synthetic/values.ts'

export interface Setting {
  level: AccuracyLevel
  subgroups: boolean
}

export interface Measured {
  /** Products of the last run, or logits of the last step. */
  values: number[]
  ms: number
  /** Names of ONNX Runtime's programs that were built for matrix products. */
  programs: string[]
}

const programs = new Set<string>()
async function open({ subgroups }: Setting): Promise<Compute> {
  programs.clear()
  const compute = await openCompute('webgpu', { subgroups })
  const { device } = compute
  if (device === null) throw new Error(compute.reason ?? 'There is no device.')
  if (subgroups && !device.features.has('subgroups')) throw new Error('This adapter has no subgroups.')
  const create = device.createShaderModule.bind(device)
  device.createShaderModule = (descriptor) => {
    programs.add(descriptor.label ?? '')
    return create(descriptor)
  }
  return compute
}

function products(): string[] {
  return [...programs].filter((name) => name.includes('MatMul'))
}

async function median(times: number, run: () => Promise<void>): Promise<number> {
  const ms: number[] = []
  for (let i = 0; i < times; i += 1) {
    const started = performance.now()
    await run()
    ms.push(performance.now() - started)
  }
  return ms.sort((a, b) => a - b)[times >> 1] ?? NaN
}

/** x [rows, inputs] times 4-bit blocks [outputs, inputs]; x has the outlier channels of a residual stream. */
export async function product(
  setting: Setting,
  { rows, inputs, outputs, times }: { rows: number; inputs: number; outputs: number; times: number },
): Promise<Measured> {
  const planner = new WeightsPlanner('decoder', storagePolicy('q4', false))
  const layer = planner.linear('m', ['m'], outputs, inputs, false)
  const { bytes } = planner.finish()
  if (layer.kind !== 'blocks') throw new Error('The matrix is not quantised.')
  const { packed, scales } = layer.recipe
  const source = valueSource(1)
  const data = new Uint8Array(bytes)
  const noise = source.values('noise', [packed.bytes], 0, packed.bytes)
  data.set(
    new Uint8Array(noise.buffer).filter((_, i) => i % 4 === 0),
    packed.offset,
  )
  const factors = source.values('scales.norm.weight', [scales.bytes / 4], 0, scales.bytes / 4)
  data.set(new Uint8Array(factors.map((factor) => 0.0043 * factor).buffer), scales.offset)
  const graph = new GraphBuilder('float32', 'm.weights', setting.level)
  graph.output('y', linear(graph, graph.input('x', 'float32', [rows, inputs]), layer), 'float32', [
    rows,
    outputs,
  ])
  const compute = await open(setting)
  const runtime = await Runtime.open(compute)
  const weights = { path: 'm.weights', data }
  const session = await runtime.session({ graph: graph.finish('m'), weights, keepOnDevice: ['y'] })
  const stream = source.values('x.fc1.weight', [rows, inputs], 0, rows * inputs)
  const x = runtime.tensor('float32', stream, [rows, inputs])
  let values: number[] = []
  const run = async (): Promise<void> => {
    const { y } = await session.run({ x })
    await runtime.finished()
    if (values.length === 0) values = Array.from((await y?.read()) ?? [])
    y?.dispose()
  }
  await run()
  const ms = await median(times, run)
  x.dispose()
  await session.dispose()
  compute.device?.destroy()
  return { values, ms, programs: products() }
}

/** Steps of one token behind a prompt of 16 and made-up query embeddings, in a made-up model at q4. */
export async function decoder(setting: Setting, size: Size, times: number): Promise<Measured> {
  const compute = await open(setting)
  const pack = syntheticPack({ size, precision: 'q4', seed: 1, accuracyLevel: setting.level })
  const model = await openTalkingModel(pack, compute)
  const { queries, hiddenSize } = asFamily(model.manifest, 'blip2-opt').parts.decoder.shape
  const count = queries * hiddenSize
  const decoding = model.talk.start(
    model.look.seenBefore(valueSource(1).values('queries', [count], 0, count)),
  )
  const prompt = Array.from({ length: 16 }, (_, i) => 2 + 7 * i)
  await decoding.begin(prompt, times + 2)
  let values: number[] = []
  let token = 3
  const step = async (): Promise<void> => {
    values = Array.from(await decoding.step((token += 11)))
  }
  await step()
  const ms = await median(times, step)
  decoding.dispose()
  await model.dispose()
  compute.device?.destroy()
  return { values, ms, programs: products() }
}
