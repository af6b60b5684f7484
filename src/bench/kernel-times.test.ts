import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { MOST_DISPATCHES, startKernelTimer, summed } from './kernel-times.ts'

/** As much of WebGPU as a timer meets: each dispatch is noted with what was set before it. */
class FakePass {
  readonly seen: object[] = []
  readonly descriptor: GPUComputePassDescriptor
  constructor(descriptor: GPUComputePassDescriptor) {
    this.descriptor = descriptor
  }
  setPipeline(pipeline: object): void {
    this.seen.push({ pipeline })
  }
  setBindGroup(index: number, group: object): void {
    this.seen.push({ index, group })
  }
  dispatchWorkgroups(...counts: number[]): void {
    this.seen.push({ counts })
  }
  end(): void {
    this.seen.push({ ended: true })
  }
}
class FakeEncoder {
  static passes: FakePass[] = []
  beginComputePass(descriptor: GPUComputePassDescriptor): FakePass {
    const pass = new FakePass(descriptor)
    FakeEncoder.passes.push(pass)
    return pass
  }
  resolveQuerySet(): void {
    // The times lie in the buffer already.
  }
  copyBufferToBuffer(): void {
    // As above.
  }
  finish(): object {
    return this
  }
}
class FakeBuffer {
  readonly size: number
  constructor(size: number) {
    this.size = size
  }
  mapAsync(): Promise<void> {
    return Promise.resolve()
  }
  /** The nth dispatch takes n + 1 microseconds. */
  getMappedRange(): ArrayBuffer {
    return BigUint64Array.from({ length: this.size / 8 }, (_, i) =>
      i % 2 === 0 ? 5_000_000n : 5_000_000n + BigInt(1000 * ((i + 1) / 2)),
    ).buffer
  }
  destroy(): void {
    // Nothing is held.
  }
}
class FakePipeline {
  readonly label = ''
}
class FakeDevice {
  readonly features: Set<string>
  constructor(...features: string[]) {
    this.features = new Set(features)
  }
  readonly queue = { onSubmittedWorkDone: () => Promise.resolve(), submit: () => undefined }
  createQuerySet(): object {
    return { destroy: () => undefined }
  }
  createBuffer({ size }: { size: number }): FakeBuffer {
    return new FakeBuffer(size)
  }
  createCommandEncoder(): FakeEncoder {
    return new FakeEncoder()
  }
  createShaderModule({ code }: { code: string }): object {
    return { code }
  }
  createComputePipeline(): FakePipeline {
    return new FakePipeline()
  }
  createComputePipelineAsync(): Promise<FakePipeline> {
    return Promise.resolve(new FakePipeline())
  }
  createBindGroup(): object {
    return {}
  }
}

beforeEach(() => {
  FakeEncoder.passes = []
  vi.stubGlobal('GPUDevice', FakeDevice)
  vi.stubGlobal('GPUCommandEncoder', FakeEncoder)
  vi.stubGlobal('GPUComputePipeline', FakePipeline)
  vi.stubGlobal('GPUBuffer', FakeBuffer)
  vi.stubGlobal('GPUBufferUsage', { QUERY_RESOLVE: 1, COPY_SRC: 2, COPY_DST: 4, MAP_READ: 8 })
  vi.stubGlobal('GPUMapMode', { READ: 1 })
})
afterEach(() => vi.unstubAllGlobals())

const CODE = `
@group(0) @binding(0) var<storage, read> input_a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4<f32>>;
@compute @workgroup_size(64, 1, 1) fn main() {}`

it('gives each dispatch a pass with two timestamps, and tells their times by kernel', async () => {
  const before = FakeEncoder.prototype.beginComputePass
  const device = new FakeDevice('timestamp-query') as unknown as GPUDevice
  const timer = startKernelTimer(device, 1e9)
  if (timer === null) throw new Error('The device has timestamps.')
  const module = device.createShaderModule({ code: CODE })
  const ours = device.createComputePipeline({ label: 'norm 64', layout: 'auto', compute: { module } })
  const theirs = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } })
  const buffer = device.createBuffer({ size: 3000, usage: 0 })
  const layout = {} as GPUBindGroupLayout
  const group = device.createBindGroup({
    layout,
    entries: [{ binding: 0, resource: { buffer, size: 1000 } }],
  })
  const other = device.createBindGroup({
    layout,
    entries: [{ binding: 0, resource: { buffer, offset: 500 } }],
  })
  const times = await timer.during(() => {
    const pass = device.createCommandEncoder().beginComputePass()
    pass.setPipeline(ours)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(7)
    pass.setPipeline(theirs)
    pass.setBindGroup(1, other)
    pass.dispatchWorkgroups(8, 2)
    pass.dispatchWorkgroups(9)
    pass.end()
    return Promise.resolve()
  })
  const name = `input_a, output in groups of 64,1,1 (${CODE.length} characters)`
  expect(times).toEqual([
    // 7,000 bytes in 5 µs would be 1.4 GB/s, more than all.
    { name, dispatches: 2, ms: 0.005, boundBytes: 7000, ofBandwidth: null },
    { name: 'norm 64', dispatches: 1, ms: 0.001, boundBytes: 1000, ofBandwidth: 1 },
  ])
  expect(FakeEncoder.passes.map(({ descriptor }) => descriptor.timestampWrites)).toEqual(
    [0, 1, 2].map((at) => ({
      querySet: expect.anything() as object,
      beginningOfPassWriteIndex: 2 * at,
      endOfPassWriteIndex: 2 * at + 1,
    })),
  )
  expect(FakeEncoder.passes[2]?.seen).toEqual([
    { pipeline: theirs },
    { index: 0, group },
    { index: 1, group: other },
    { counts: [9] },
    { ended: true },
  ])
  expect(FakeEncoder.prototype.beginComputePass).toBe(before)
  timer.stop()
})

it('runs on, without times, where there are more dispatches than timestamps', async () => {
  const device = new FakeDevice('timestamp-query') as unknown as GPUDevice
  const timer = startKernelTimer(device, null)
  const [kernel] =
    (await timer?.during(() => {
      const pass = device.createCommandEncoder().beginComputePass()
      for (let i = 0; i < MOST_DISPATCHES + 2; i += 1) pass.dispatchWorkgroups(1)
      return Promise.resolve()
    })) ?? []
  expect(FakeEncoder.passes).toHaveLength(MOST_DISPATCHES + 2)
  const timed = FakeEncoder.passes.map(({ descriptor }) => descriptor.timestampWrites !== undefined)
  expect(timed.indexOf(false)).toBe(MOST_DISPATCHES)
  expect(timed.lastIndexOf(true)).toBe(MOST_DISPATCHES - 1)
  expect(kernel).toMatchObject({ name: 'made before the timer', dispatches: MOST_DISPATCHES })
  timer?.stop()
})

it('is none where a device has no timestamps, and tells no share where nothing was seen of a clock', () => {
  expect(startKernelTimer(new FakeDevice() as unknown as GPUDevice, 1e9)).toBeNull()
  expect(summed([{ name: 'short', boundBytes: 8 }], [0], 1e9)).toMatchObject([{ ms: 0, ofBandwidth: null }])
})
