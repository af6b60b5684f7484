/** How fast a device moves memory: the bound of a step that reads every weight once. */

/** Long enough that handing over the work does not count. */
const ENOUGH_MS = 200
const MOST_COPIES = 512

/** Invocations of a workgroup, and how many times 16 bytes each of them moves. */
const INVOCATIONS = 256
const VECTORS_EACH = 4
const GROUP_BYTES = 16 * INVOCATIONS * VECTORS_EACH

/** Neighbours read neighbouring addresses in each of their rounds. */
const SHADER = `
@group(0) @binding(0) var<storage, read> source: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> sink: array<vec4<u32>>;
@compute @workgroup_size(${INVOCATIONS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let first = group.x * ${INVOCATIONS * VECTORS_EACH}u + index;
  for (var i = 0u; i < ${VECTORS_EACH}u; i += 1u) {
    let at = first + i * ${INVOCATIONS}u;
    sink[at] = source[at];
  }
}`

/** Hands over so many copies. */
type Copies = (encoder: GPUCommandEncoder, count: number) => void

/**
 * Bytes read and written per second between two buffers, each too large for a cache where the device allows it: by the
 * device's own copies or by a kernel, whichever is faster. A driver may copy on an engine that reaches a fraction of what
 * kernels do (0.85 of 3.9 TB/s on an H200, by copies). The best of three rounds.
 */
export async function copyBandwidth(device: GPUDevice, software: boolean): Promise<number> {
  const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } = device.limits
  const most = Math.min(
    software ? 2 ** 26 : 2 ** 29,
    maxBufferSize,
    maxStorageBufferBindingSize,
    maxComputeWorkgroupsPerDimension * GROUP_BYTES,
  )
  const size = Math.floor(most / GROUP_BYTES) * GROUP_BYTES
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST | GPUBufferUsage.STORAGE
  const [from, to] = [device.createBuffer({ size, usage }), device.createBuffer({ size, usage })]
  const byCopies: Copies = (encoder, count) => {
    for (let i = 0; i < count; i += 1) encoder.copyBufferToBuffer(from, 0, to, 0, size)
  }
  try {
    const ways = [byCopies, kernelCopies(device, from, to)]
    let best = 0
    for (const way of ways) best = Math.max(best, (2 * size) / (await secondsOf(device, way)))
    return best
  } finally {
    from.destroy()
    to.destroy()
  }
}

/** Seconds of one copy. */
async function secondsOf(device: GPUDevice, copies: Copies): Promise<number> {
  const seconds = async (count: number): Promise<number> => {
    const started = performance.now()
    const encoder = device.createCommandEncoder()
    copies(encoder, count)
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
    return (performance.now() - started) / 1000
  }
  // The first time also clears the memory, and compiles.
  await seconds(1)
  let count = 1
  while (count < MOST_COPIES && (await seconds(count)) * 1000 < ENOUGH_MS) count *= 2
  const rounds = [await seconds(count), await seconds(count), await seconds(count)]
  return Math.min(...rounds) / count
}

function kernelCopies(device: GPUDevice, from: GPUBuffer, to: GPUBuffer): Copies {
  const module = device.createShaderModule({ code: SHADER })
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } })
  const entries = [from, to].map((buffer, binding) => ({ binding, resource: { buffer } }))
  const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })
  return (encoder, count) => {
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, bindGroup)
    for (let i = 0; i < count; i += 1) pass.dispatchWorkgroups(from.size / GROUP_BYTES)
    pass.end()
  }
}
