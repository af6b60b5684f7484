/**
 * Does `make`, which makes buffers on the device. Resolves to what the device said, or threw, for lack of memory; null when
 * it gave them all: a buffer that it cannot give is no exception by itself.
 */
export async function lackOfMemory(device: GPUDevice, make: () => void): Promise<unknown> {
  device.pushErrorScope('out-of-memory')
  try {
    make()
  } catch (error) {
    await device.popErrorScope()
    return error
  }
  return device.popErrorScope()
}
