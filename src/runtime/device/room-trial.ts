/** Whether a graphics device has memory that no browser tells of: it is asked for it, and given it back at once. */
import type { DeviceMemory } from '../../pack/device-memory.ts'
import type { RoomTrial } from '../../pack/memory-budget.ts'
import { lackOfMemory } from './lack-of-memory.ts'

/** Larger than most buffers of a model, and small enough for every allocator. */
const PIECE_BYTES = 2 ** 28

/**
 * What is known of the device's memory once the trials were made, in their order and up to the first that succeeds. Nothing
 * is written into the buffers, so that a device which hands out memory on its first use has nothing to do.
 */
export async function withRoomTried(
  device: GPUDevice | null,
  memory: DeviceMemory,
  trials: readonly RoomTrial[],
): Promise<DeviceMemory> {
  if (device === null) return memory
  for (const { bytes, askedBytes } of trials)
    if (await gives(device, askedBytes)) return { ...memory, givenBytes: bytes }
  return memory
}

async function gives(device: GPUDevice, bytes: number): Promise<boolean> {
  const piece = Math.min(PIECE_BYTES, device.limits.maxBufferSize)
  const buffers: GPUBuffer[] = []
  const lack = await lackOfMemory(device, () => {
    for (let left = bytes; left > 0; left -= piece) {
      const size = Math.ceil(Math.min(piece, left) / 4) * 4
      buffers.push(device.createBuffer({ size, usage: GPUBufferUsage.STORAGE }))
    }
  })
  for (const buffer of buffers) buffer.destroy()
  return lack === null
}
