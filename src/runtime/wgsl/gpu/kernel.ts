/**
 * A kernel: WGSL for one shape, with the shape written into it as constants, so that nothing has to be passed at run
 * time but what changes from step to step, and bounds checks can be left out by the compiler.
 */

import { KernelsFailed, within } from './guard.ts'

/** How a kernel uses a binding of group 0. */
export type Binding = 'read' | 'write' | 'uniform'

export interface Kernel {
  /** What errors of the compiler and GPU profilers call it. */
  label: string
  code: string
  /** In the order of `@binding`. A buffer that is written may not be bound for reading as well. */
  bindings: readonly Binding[]
}

/** A kernel, compiled for a device. */
export class CompiledKernel {
  readonly pipeline: GPUComputePipeline
  readonly #device: GPUDevice
  readonly #layout: GPUBindGroupLayout

  private constructor(device: GPUDevice, layout: GPUBindGroupLayout, pipeline: GPUComputePipeline) {
    this.#device = device
    this.#layout = layout
    this.pipeline = pipeline
  }

  /** Throws `KernelsFailed` when the device does not take the kernel, or takes longer than `limitMs` over it. */
  static async of(
    device: GPUDevice,
    { label, code, bindings }: Kernel,
    limitMs = Infinity,
  ): Promise<CompiledKernel> {
    const layout = device.createBindGroupLayout({
      label,
      entries: bindings.map((use, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: LAYOUT_TYPES[use] },
      })),
    })
    const compiling = device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module: device.createShaderModule({ label, code }) },
    })
    const pipeline = await within(limitMs, 'compiling', compiling).catch((error: unknown) => {
      throw error instanceof KernelsFailed ? error : new KernelsFailed('invalid', error)
    })
    return new CompiledKernel(device, layout, pipeline)
  }

  bind(buffers: readonly GPUBuffer[]): GPUBindGroup {
    return this.#device.createBindGroup({
      layout: this.#layout,
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    })
  }
}

const LAYOUT_TYPES = { read: 'read-only-storage', write: 'storage', uniform: 'uniform' } as const

/** One kernel over one set of buffers, ready to be put into a pass again and again. */
export interface Dispatch {
  kernel: CompiledKernel
  group: GPUBindGroup
  /** Workgroups in each direction. */
  workgroups: readonly [number, number, number]
}

/** Puts dispatches into a pass, in order; each sees what those before it wrote. */
export function encode(pass: GPUComputePassEncoder, dispatches: readonly Dispatch[]): void {
  for (const { kernel, group, workgroups } of dispatches) {
    pass.setPipeline(kernel.pipeline)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(...workgroups)
  }
}
