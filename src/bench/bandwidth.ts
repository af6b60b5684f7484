/** How fast a device moves memory: the bound of a step that reads every weight once. */

/** Long enough that handing over the work does not count. */
const ENOUGH_MS = 200
const MOST_COPIES = 512

/**
 * Bytes read and written per second by copies from one buffer to another, each too large for a cache where the device
 * allows it. The best of three rounds.
 */
export async function copyBandwidth(device: GPUDevice, software: boolean): Promise<number> {
  const size = Math.min(software ? 2 ** 26 : 2 ** 29, device.limits.maxBufferSize)
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
  const [from, to] = [device.createBuffer({ size, usage }), device.createBuffer({ size, usage })]
  const seconds = async (copies: number): Promise<number> => {
    const started = performance.now()
    const encoder = device.createCommandEncoder()
    for (let i = 0; i < copies; i += 1) encoder.copyBufferToBuffer(from, 0, to, 0, size)
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
    return (performance.now() - started) / 1000
  }
  try {
    // The first time also clears the memory.
    await seconds(1)
    let copies = 1
    while (copies < MOST_COPIES && (await seconds(copies)) * 1000 < ENOUGH_MS) copies *= 2
    const rounds = [await seconds(copies), await seconds(copies), await seconds(copies)]
    return (2 * size * copies) / Math.min(...rounds)
  } finally {
    from.destroy()
    to.destroy()
  }
}
