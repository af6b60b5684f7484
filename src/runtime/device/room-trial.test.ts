import { afterEach, expect, it, vi } from 'vitest'
import { computeOn, MemoryDevice } from '../../../testing/gpu/memory-device.ts'
import type { DeviceMemory } from '../../pack/device-memory.ts'
import { budgetFor, roomTrials } from '../../pack/memory-budget.ts'
import { withRoomTried } from './room-trial.ts'

/** Small enough to be had in a test; what counts are the proportions. */
const MIB = 2 ** 20
const told: DeviceMemory = { gib: 8 / 1024, told: true, software: false, bufferBytes: 4 * MIB }
const needs = {
  weightBytes: 2 * MIB,
  workBytes: 0,
  cache: { positions: 2048, positionBytes: 800, tensorPositionBytes: 100 },
}

afterEach(() => vi.unstubAllGlobals())

async function contextOn(device: MemoryDevice): Promise<number | undefined> {
  const { device: gpu } = computeOn(device)
  const memory = await withRoomTried(gpu, told, roomTrials(needs, told, 'plenty'))
  return budgetFor(needs, memory, 'plenty').talk?.context.positions
}

it('finds out how long a conversation a device has room for, and gives everything back', async () => {
  // Without a trial the half of 8 MiB is left: 1,024 positions.
  for (const [capacity, positions] of [
    [Infinity, 2048],
    [9 * MIB, 2048],
    [7 * MIB, 1024],
    [0, 1024],
  ] as const) {
    const device = new MemoryDevice(capacity)
    expect([capacity, await contextOn(device)]).toEqual([capacity, positions])
    expect(device.liveBytes).toBe(0)
  }
})

it('takes a device that throws for one without room', async () => {
  const device = new MemoryDevice()
  const { createBuffer } = MemoryDevice.prototype
  let made = 0
  vi.spyOn(device, 'createBuffer').mockImplementation((descriptor) => {
    made += 1
    if (made > 1) throw new RangeError('no memory')
    return createBuffer.call(device, descriptor)
  })
  expect(await contextOn(device)).toBe(1024)
  expect(device.liveBytes).toBe(0)
})

it('asks nothing of the processor', async () => {
  expect(await withRoomTried(null, told, roomTrials(needs, told, 'plenty'))).toBe(told)
})
