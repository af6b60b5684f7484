/**
 * What WebGPU itself costs on a card: the same trivial dispatches, each reading what the one before wrote, in one pass,
 * in a pass each and in a submit each, and what one number costs on its way back. Decides whether fewer dispatches,
 * passes or submits are worth anything. In Node on Dawn: `npm install --no-save webgpu@0.6.2`, then
 * `tsx lab/speed/real-gpu/dispatch-cost.ts`.
 */

const DISPATCHES = 200
const ROUNDS = 20

interface DispatchCost {
  /** Milliseconds for all dispatches until the GPU is done, the median of some rounds. */
  onePass: number
  passEach: number
  submitEach: number
  /** From a submit of one dispatch until its number is mapped. */
  readBack: number
}

const CODE = `
@group(0) @binding(0) var<storage, read_write> number: array<u32, 4>;
@compute @workgroup_size(1)
fn main() { number[0] = number[0] * 3u + 1u; }
`

async function dispatchCost(device: GPUDevice): Promise<DispatchCost> {
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage
  const buffer = device.createBuffer({ size: 16, usage: STORAGE | COPY_SRC })
  const staging = device.createBuffer({ size: 16, usage: MAP_READ | COPY_DST })
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: CODE }) },
  })
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  })
  const dispatch = (encoder: GPUCommandEncoder, count: number): void => {
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    for (let i = 0; i < count; i += 1) {
      pass.setBindGroup(0, group)
      pass.dispatchWorkgroups(1)
    }
    pass.end()
  }
  const send = (passes: number, each: number): void => {
    const encoder = device.createCommandEncoder()
    for (let i = 0; i < passes; i += 1) dispatch(encoder, each)
    device.queue.submit([encoder.finish()])
  }
  const timed = async (work: () => void | Promise<void>): Promise<number> => {
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const started = performance.now()
      await work()
      await device.queue.onSubmittedWorkDone()
      times.push(performance.now() - started)
    }
    return times.sort((a, b) => a - b)[ROUNDS >> 1] ?? NaN
  }
  return {
    onePass: await timed(() => send(1, DISPATCHES)),
    passEach: await timed(() => send(DISPATCHES, 1)),
    submitEach: await timed(() => {
      for (let i = 0; i < DISPATCHES; i += 1) send(1, 1)
    }),
    readBack: await timed(async () => {
      const encoder = device.createCommandEncoder()
      dispatch(encoder, 1)
      encoder.copyBufferToBuffer(buffer, 0, staging, 0, 16)
      device.queue.submit([encoder.finish()])
      await staging.mapAsync(GPUMapMode.READ)
      staging.unmap()
    }),
  }
}

interface Dawn {
  create: (flags: string[]) => GPU
  globals: object
}

/** Prints the figures of Dawn in Node. */
async function main(): Promise<void> {
  const name = 'webgpu'
  const { create, globals } = (await import(name)) as Dawn
  Object.assign(globalThis, globals)
  const adapter = await create([]).requestAdapter({ powerPreference: 'high-performance' })
  if (adapter === null) throw new Error('There is no graphics adapter here.')
  const device = await adapter.requestDevice()
  console.warn(adapter.info.description, await dispatchCost(device))
  device.destroy()
}

await main()

// It imports nothing, and only a module may wait here.
export {}
