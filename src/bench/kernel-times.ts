/**
 * Time inside each kernel, by the device's own clock, whoever launches it: compute passes are split so that each dispatch
 * has one of its own with a timestamp at both ends. That makes everything around the kernels slower, so nothing else is
 * measured meanwhile. Browsers round these times, Chromium to 0.1 ms, unless they are told otherwise by a flag.
 */
import type { KernelTime } from '../protocol/bench-result.ts'
import { after, replaceMethod } from './methods.ts'

export interface KernelTimer {
  /** What `work` launched, by name, the longest first; of what is beyond `MOST_DISPATCHES` nothing is told. */
  during(work: () => Promise<void>): Promise<KernelTime[]>
  stop(): void
}

/** Two timestamps each; a query set may have 4,096 (`maxQueryCount` of WebGPU). */
export const MOST_DISPATCHES = 2048

interface Launch {
  name: string
  boundBytes: number
}

/**
 * To be started before pipelines are made, since that is when they are named. `bytesPerSecond`: what the device copies,
 * against which the bytes that a kernel has bound are held. Null where the device has no timestamps.
 */
export function startKernelTimer(device: GPUDevice, bytesPerSecond: number | null): KernelTimer | null {
  if (!device.features.has('timestamp-query')) return null
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 * MOST_DISPATCHES })
  const known = new KnownObjects()
  return {
    during: async (work) => {
      await device.queue.onSubmittedWorkDone()
      const launches: Launch[] = []
      const whole = splitPasses(known, querySet, launches)
      try {
        await work()
        await device.queue.onSubmittedWorkDone()
      } finally {
        whole()
      }
      const timed = launches.slice(0, MOST_DISPATCHES)
      return summed(timed, await readTimes(device, querySet, timed.length), bytesPerSecond)
    },
    stop: () => {
      known.stop()
      querySet.destroy()
    },
  }
}

/** What pipelines are called and bind groups hold, noted as they are made. */
class KnownObjects {
  readonly #codes = new WeakMap<object, string>()
  readonly #names = new WeakMap<object, string>()
  readonly #bytes = new WeakMap<object, number>()
  readonly #undo: (() => void)[]

  constructor() {
    const name = (descriptor: GPUComputePipelineDescriptor, pipeline: unknown): void => {
      if (pipeline instanceof Promise)
        pipeline.then(
          (made: unknown) => name(descriptor, made),
          () => undefined,
        )
      else if (pipeline instanceof GPUComputePipeline)
        this.#names.set(pipeline, descriptor.label || nameOfCode(this.#codes.get(descriptor.compute.module)))
    }
    this.#undo = [
      after(GPUDevice.prototype, 'createShaderModule', (_, [descriptor], module) => {
        this.#codes.set(module as GPUShaderModule, (descriptor as GPUShaderModuleDescriptor).code)
      }),
      after(GPUDevice.prototype, 'createComputePipeline', (_, [descriptor], made) =>
        name(descriptor as GPUComputePipelineDescriptor, made),
      ),
      after(GPUDevice.prototype, 'createComputePipelineAsync', (_, [descriptor], made) =>
        name(descriptor as GPUComputePipelineDescriptor, made),
      ),
      after(GPUDevice.prototype, 'createBindGroup', (_, [descriptor], group) => {
        this.#bytes.set(group as GPUBindGroup, bytesOf(descriptor as GPUBindGroupDescriptor))
      }),
    ]
  }

  nameOf(pipeline: GPUComputePipeline | null): string {
    return (pipeline && this.#names.get(pipeline)) ?? 'made before the timer'
  }

  bytesOf(group: GPUBindGroup): number {
    return this.#bytes.get(group) ?? 0
  }

  stop(): void {
    for (const step of this.#undo) step()
  }
}

/** Kernels without a label are ONNX Runtime's: told apart by what they bind, and how many work together. */
function nameOfCode(code = ''): string {
  const bound = [...code.matchAll(/var<storage, *read(?:_write)?> *(\w+)/g)].map(([, name = '']) => name)
  const group = /@workgroup_size\(([^)]*)\)/.exec(code)?.[1] ?? ''
  // Of one operator there are several programs; their lengths differ.
  return `${bound.join(', ')} in groups of ${group.replaceAll(/\s/g, '')} (${code.length} characters)`
}

function bytesOf({ entries }: GPUBindGroupDescriptor): number {
  let bytes = 0
  for (const { resource } of entries) {
    if (resource instanceof GPUBuffer) bytes += resource.size
    else if ('buffer' in resource) bytes += resource.size ?? resource.buffer.size - (resource.offset ?? 0)
  }
  return bytes
}

/** Gives each dispatch a pass of its own, until what is returned is called. */
function splitPasses(known: KnownObjects, querySet: GPUQuerySet, launches: Launch[]): () => void {
  return replaceMethod(
    GPUCommandEncoder.prototype,
    'beginComputePass',
    (begin) =>
      function (this: GPUCommandEncoder) {
        const pass = (at: number): GPUComputePassEncoder =>
          begin.call(
            this,
            at < MOST_DISPATCHES
              ? {
                  timestampWrites: {
                    querySet,
                    beginningOfPassWriteIndex: 2 * at,
                    endOfPassWriteIndex: 2 * at + 1,
                  },
                }
              : {},
          ) as GPUComputePassEncoder
        return new SplitPass(known, launches, pass)
      },
  )
}

type BindGroupArguments = Parameters<GPUComputePassEncoder['setBindGroup']>

/** Stands in for a compute pass: as much of one as kernels are launched with. */
class SplitPass {
  readonly label = ''
  readonly #known: KnownObjects
  readonly #launches: Launch[]
  readonly #begin: (at: number) => GPUComputePassEncoder
  readonly #groups = new Map<number, BindGroupArguments>()
  #pipeline: GPUComputePipeline | null = null

  constructor(known: KnownObjects, launches: Launch[], begin: (at: number) => GPUComputePassEncoder) {
    this.#known = known
    this.#launches = launches
    this.#begin = begin
  }

  setPipeline(pipeline: GPUComputePipeline): void {
    this.#pipeline = pipeline
  }

  setBindGroup(...args: BindGroupArguments): void {
    this.#groups.set(args[0], args)
  }

  dispatchWorkgroups(...counts: Parameters<GPUComputePassEncoder['dispatchWorkgroups']>): void {
    this.#launch((pass) => pass.dispatchWorkgroups(...counts))
  }

  dispatchWorkgroupsIndirect(buffer: GPUBuffer, offset: number): void {
    this.#launch((pass) => pass.dispatchWorkgroupsIndirect(buffer, offset))
  }

  end(): void {
    // Each of its dispatches has ended.
  }

  pushDebugGroup(): void {
    // Nobody looks.
  }

  popDebugGroup(): void {
    // Nobody looks.
  }

  insertDebugMarker(): void {
    // Nobody looks.
  }

  #launch(dispatch: (pass: GPUComputePassEncoder) => void): void {
    const pass = this.#begin(this.#launches.length)
    if (this.#pipeline !== null) pass.setPipeline(this.#pipeline)
    let boundBytes = 0
    for (const args of this.#groups.values()) {
      pass.setBindGroup(...args)
      const [, group] = args
      if (group != null) boundBytes += this.#known.bytesOf(group)
    }
    dispatch(pass)
    pass.end()
    this.#launches.push({ name: this.#known.nameOf(this.#pipeline), boundBytes })
  }
}

/** Milliseconds of each dispatch. */
async function readTimes(device: GPUDevice, querySet: GPUQuerySet, count: number): Promise<number[]> {
  if (count === 0) return []
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage
  const resolved = device.createBuffer({ size: 16 * count, usage: QUERY_RESOLVE | COPY_SRC })
  const staging = device.createBuffer({ size: 16 * count, usage: COPY_DST | MAP_READ })
  try {
    const encoder = device.createCommandEncoder()
    encoder.resolveQuerySet(querySet, 0, 2 * count, resolved, 0)
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16 * count)
    device.queue.submit([encoder.finish()])
    await staging.mapAsync(GPUMapMode.READ)
    const stamps = new BigUint64Array(staging.getMappedRange())
    // Nanoseconds; a clock that was rounded or set anew may run backwards.
    return Array.from({ length: count }, (_, i) =>
      Math.max(0, Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n)) / 1e6),
    )
  } finally {
    resolved.destroy()
    staging.destroy()
  }
}

/** By name, the longest first. */
export function summed(
  launches: readonly Launch[],
  times: readonly number[],
  bytesPerSecond: number | null,
): KernelTime[] {
  const byName = new Map<string, { name: string; dispatches: number; ms: number; boundBytes: number }>()
  for (const [i, { name, boundBytes }] of launches.entries()) {
    const kernel = byName.get(name) ?? { name, dispatches: 0, ms: 0, boundBytes: 0 }
    kernel.dispatches += 1
    kernel.ms += times[i] ?? 0
    kernel.boundBytes += boundBytes
    byName.set(name, kernel)
  }
  return [...byName.values()]
    .sort((a, b) => b.ms - a.ms)
    .map((kernel) => ({ ...kernel, ofBandwidth: shareOf(kernel, bytesPerSecond) }))
}

/** Null where it cannot be told: what is bound and not read, of a cache or a table, would make it more than all. */
function shareOf(
  { ms, boundBytes }: { ms: number; boundBytes: number },
  bytesPerSecond: number | null,
): number | null {
  if (bytesPerSecond === null || !(ms > 0)) return null
  const share = boundBytes / (ms / 1000) / bytesPerSecond
  return share > 1 ? null : share
}
