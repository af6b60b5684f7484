import { afterEach, describe, expect, it, vi } from 'vitest'
import { importDawn, provideWebGpu, type Dawn } from './dawn.ts'

afterEach(() => void vi.unstubAllGlobals())

describe('Dawn', () => {
  it('is asked for in a sentence where it is not installed', async () => {
    await expect(importDawn('webgpu-that-nobody-published')).rejects.toMatchObject({
      code: 'not-found',
      message:
        'WebGPU is not installed here; install it with `npm install --no-save webgpu@0.6.2`, or compute on the processor.',
    })
  })

  it('is handed the bytes of shared memory as bytes of their own, and the others as they are', () => {
    const written: { at: number; bytes: Uint8Array }[] = []
    class Queue {
      writeBuffer(_: unknown, at: number, data: Uint8Array, from: number, size: number): void {
        expect(data.buffer).toBeInstanceOf(ArrayBuffer)
        written.push({ at, bytes: data.slice(from, from + size) })
      }
    }
    const flagsGiven: string[][] = []
    const create = (flags: string[]): GPU => {
      flagsGiven.push(flags)
      return {} as GPU
    }
    vi.stubGlobal('navigator', undefined)
    vi.stubGlobal('GPUQueue', undefined)
    provideWebGpu({ create, globals: { GPUQueue: Queue } } satisfies Dawn, ['adapter=any'])
    expect(flagsGiven).toEqual([['adapter=any']])
    expect(navigator).toMatchObject({ deviceMemory: expect.any(Number) as number })

    const queue = new Queue() as unknown as GPUQueue
    const buffer = {} as GPUBuffer
    const shared = new Uint16Array(new SharedArrayBuffer(16)).fill(7)
    queue.writeBuffer(buffer, 4, shared, 2, 3)
    queue.writeBuffer(buffer, 8, new DataView(shared.buffer, 2, 6), 1, 2)
    queue.writeBuffer(buffer, 0, new Float32Array([1, 2, 3]), 1)
    expect(written).toEqual([
      { at: 4, bytes: new Uint8Array([7, 0, 7, 0, 7, 0]) },
      { at: 8, bytes: new Uint8Array([0, 7]) },
      { at: 0, bytes: new Uint8Array(new Float32Array([2, 3]).buffer) },
    ])
  })
})
