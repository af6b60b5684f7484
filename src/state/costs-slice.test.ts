import { describe, expect, it, vi } from 'vitest'
import { CAPTION_WORK, probed } from '../../testing/devices.ts'
import { CONVERTING_SPEED, fakeKeeper } from '../../testing/state/fake-keeper.ts'
import type { ProbedDevice } from '../protocol/engine-calls.ts'
import { expectedCosts, type Here } from './costs-slice.ts'

const costs = { fetchBytes: 15e9, keepBytes: 2.2e9, licence: null, work: CAPTION_WORK }
const here = (...devices: ProbedDevice[]): Here => ({ devices, convertBytesPerSecond: 25e6 })
const space = (freeBytes: number): Parameters<typeof expectedCosts>[2] => ({
  freeBytes,
  usedBytes: 0,
  persisted: false,
})

describe('What a model would cost here', () => {
  it('is at the least the slower of line and converter, at the most one after the other and half as much again', () => {
    const { duration } = expectedCosts(costs, here(), null)
    expect(duration).toEqual([15e9 / 12.5e6, 1.5 * (15e9 / 12.5e6 + 15e9 / 25e6)])
  })

  it('is advised where a caption comes soon, and not where nobody would wait', () => {
    expect(expectedCosts(costs, here(probed(5e12)), null)).toMatchObject({ advice: 'advised' })
    expect(expectedCosts(costs, here(probed(5e10)), null)).toMatchObject({ advice: 'slow' })
    expect(expectedCosts(costs, here(probed(5e9)), null)).toMatchObject({ advice: 'too-slow' })
    expect(expectedCosts(costs, here(), null)).toMatchObject({ seconds: null, advice: null })
  })

  it('is not advised where memory or disk would not do, however fast the device', () => {
    expect(expectedCosts(costs, here(probed(5e12)), space(1e9)).advice).toBe('no-space')
    const large = { ...costs, keepBytes: 40e9 }
    expect(expectedCosts(large, here(probed(5e12)), space(100e9)).advice).toBe('no-memory')
    const beyondWasm = { ...costs, keepBytes: 3.9e9 }
    expect(expectedCosts(beyondWasm, here(probed(5e12, { provider: 'wasm' })), null).advice).toBe('no-memory')
  })

  it('is measured once in a visit, whether or not there is a device', async () => {
    const keeper = fakeKeeper()
    const probeDevices = vi.fn(() => Promise.reject(new Error('no adapter')))
    keeper.probeDevices = probeDevices
    const { measureHere } = keeper.store.getState()
    await Promise.all([measureHere('q4f16'), measureHere('q4f16')])
    expect(keeper.store.getState().here).toEqual({ devices: [], convertBytesPerSecond: CONVERTING_SPEED })
    expect(probeDevices).toHaveBeenCalledOnce()
  })
})
