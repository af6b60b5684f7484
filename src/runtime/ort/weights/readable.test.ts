import { describe, expect, it, vi } from 'vitest'
import { f16ToF32Bits } from '../../../pack/float16.ts'
import { readableWeights, UploadPace } from './readable.ts'
import { WidenedBlob, WidenedBytes } from './widened.ts'

const MIB = 2 ** 20

/** What follows of promises that are settled has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the pace of uploads', () => {
  /** A GPU that is done when it is told to be. */
  function slowGpu(): { pace: UploadPace; waits: () => number; done: () => void } {
    const waiting: (() => void)[] = []
    let waits = 0
    const pace = new UploadPace(() => {
      waits += 1
      return new Promise<void>((resolve) => waiting.push(resolve))
    })
    return { pace, waits: () => waits, done: () => waiting.shift()?.() }
  }

  it('lets 64 MiB go at once and holds back what is beyond until the GPU has taken in the first of them', async () => {
    const { pace, waits, done } = slowGpu()
    await pace.allow(40 * MIB)
    await pace.allow(24 * MIB)
    let allowed = false
    const held = pace.allow(1).then(() => (allowed = true))
    await settled()
    // Asked behind each: the first 40 are waited for, and the 24 behind them go on meanwhile.
    expect([waits(), allowed]).toEqual([2, false])
    done()
    await held
    await pace.allow(39 * MIB)
    expect(waits()).toBe(2)
    let more = false
    const next = pace.allow(MIB).then(() => (more = true))
    await settled()
    expect(more).toBe(false)
    done()
    await next
  })

  it('waits for nothing that lies further back than it has to', async () => {
    const { pace, waits, done } = slowGpu()
    for (let i = 0; i < 4; i += 1) await pace.allow(16 * MIB)
    for (let i = 0; i < 4; i += 1) {
      let allowed = false
      const held = pace.allow(16 * MIB).then(() => (allowed = true))
      await settled()
      expect(allowed).toBe(false)
      done()
      await held
    }
    expect(waits()).toBe(7)
  })

  it('lets a single piece go that is larger than that', async () => {
    const { pace, waits, done } = slowGpu()
    await pace.allow(200 * MIB)
    const next = pace.allow(1)
    await settled()
    expect(waits()).toBe(1)
    done()
    await next
    expect(waits()).toBe(1)
  })

  it('never has more than 64 MiB on the way, whoever asks at the same time', async () => {
    let [sent, taken, most] = [0, 0, 0]
    // As a queue tells it: what was sent by the time of asking is done.
    const pace = new UploadPace(async () => {
      const before = sent
      await settled()
      taken = Math.max(taken, before)
    })
    const sizes = Array.from({ length: 100 }, (_, i) => (1 + ((i * 37) % 40)) * MIB)
    const send = async (bytes: number): Promise<void> => {
      await pace.allow(bytes)
      sent += bytes
      most = Math.max(most, sent - taken)
    }
    await Promise.all(sizes.map(send))
    expect(most / MIB).toBeLessThanOrEqual(64)
    expect(most / MIB).toBeGreaterThan(40)
  })

  it('goes on for the others when the GPU fails one', async () => {
    let failing = true
    const pace = new UploadPace(() => (failing ? Promise.reject(new Error('lost')) : Promise.resolve()))
    await pace.allow(64 * MIB)
    await expect(pace.allow(1)).rejects.toThrow('lost')
    failing = false
    await expect(pace.allow(1)).resolves.toBeUndefined()
  })
})

describe('halves read as floats', () => {
  const halves = Uint16Array.from({ length: 3000 }, (_, i) => (i * 7919) & 0x7bff)
  const bits = new Uint32Array(halves.length)
  f16ToF32Bits(halves, bits)
  const floats = new Uint8Array(bits.buffer)

  it('are twice as long and hold the same numbers in every part', () => {
    const widened = new WidenedBytes(new Uint8Array(halves.buffer))
    expect(widened.byteLength).toBe(floats.length)
    expect(widened.subarray()).toEqual(floats)
    expect(widened.subarray(400, 1204)).toEqual(floats.slice(400, 1204))
  })

  it('need not lie at an even place in memory', () => {
    const odd = new Uint8Array(halves.byteLength + 1)
    odd.set(new Uint8Array(halves.buffer), 1)
    expect(new WidenedBytes(odd.subarray(1)).subarray(8, 80)).toEqual(floats.slice(8, 80))
  })

  it('stream out of a Blob, and ask for as many bytes as they become', async () => {
    const asked: number[] = []
    const widened = new WidenedBlob(new Blob([halves]), (bytes) => {
      asked.push(bytes)
      return Promise.resolve()
    })
    expect(widened.size).toBe(floats.length)
    const part = widened.slice(400, 1204)
    expect(new Uint8Array(await new Response(part.stream()).arrayBuffer())).toEqual(floats.slice(400, 1204))
    expect(asked).toEqual([804])
  })

  it.each([
    ['as much as fits', 0, 1000, 1000],
    ['whole floats only', 4, 1003, 1000],
  ])('stream into the memory that is lent, %s', async (_, offset, length, most) => {
    const stored = new Blob([halves.subarray(200, 1602)])
    const slices = vi.spyOn(stored, 'slice')
    const reader = new WidenedBlob(stored, () => Promise.resolve()).stream().getReader({ mode: 'byob' })
    const lengths: number[] = []
    const bytes: number[] = []
    for (let lent = new ArrayBuffer(1007); ;) {
      const { value, done } = await reader.read(new Uint8Array(lent, offset, length))
      if (done) break
      expect([value.buffer.byteLength, value.byteOffset]).toEqual([1007, offset])
      lengths.push(value.length)
      bytes.push(...value)
      lent = value.buffer
    }
    expect(lengths).toEqual([...Array<number>(5).fill(most), 5608 - 5 * most])
    expect(Uint8Array.from(bytes)).toEqual(floats.slice(800, 6408))
    // No more is read than there is room for.
    const read = slices.mock.results.map(({ value }) => (value as Blob).size)
    expect(2 * Math.max(...read)).toBe(most)
  })

  it('stream into memory that has no room for a float, too', async () => {
    const part = new WidenedBlob(new Blob([halves]), () => Promise.resolve()).slice(0, 8)
    const reader = part.stream().getReader({ mode: 'byob' })
    const bytes: number[] = []
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(3))
      if (done) break
      bytes.push(...value)
    }
    expect(Uint8Array.from(bytes)).toEqual(floats.slice(0, 8))
  })
})

it('gives ONNX Runtime the file under two names, as it is and widened', async () => {
  const data = new Blob([Uint8Array.of(0, 0x3c, 0, 0xc0)])
  const pace = new UploadPace(() => Promise.resolve())
  const where = { provider: 'wasm', device: null } as const
  const files = await readableWeights({ path: 'a.weights', data }, where, pace)
  expect(files.map(({ path }) => path)).toEqual(['a.weights', 'a.weights.f32'])
  const [plain, widened] = files.map((file) => file.data)
  expect(plain).toEqual(Uint8Array.of(0, 0x3c, 0, 0xc0))
  if (!(widened instanceof Uint8Array)) throw new Error('WebAssembly reads bytes.')
  expect(new Float32Array(widened.subarray(0, 8).buffer)).toEqual(Float32Array.of(1, -2))
})
