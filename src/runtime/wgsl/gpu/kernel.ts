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

/** Compiles kernels for one device, each code once, however often it is asked for. */
export class Compiler {
  /** Whether a word is taken apart as four bytes by one instruction. */
  readonly packed4x8: boolean
  readonly #device: GPUDevice
  readonly #limitMs: number
  readonly #known = new Map<string, Promise<CompiledKernel>>()

  /** `limitMs`: what a kernel may take. */
  constructor(device: GPUDevice, limitMs = Infinity) {
    this.#device = device
    this.#limitMs = limitMs
    this.packed4x8 = navigator.gpu.wgslLanguageFeatures.has('packed_4x8_integer_dot_product')
  }

  /** Rejects as `CompiledKernel.of` does. */
  compiled(kernel: Kernel): Promise<CompiledKernel> {
    const compiling = this.#known.get(kernel.code) ?? CompiledKernel.of(this.#device, kernel, this.#limitMs)
    this.#known.set(kernel.code, compiling)
    return compiling
  }

  /** All at once: browsers compile in parallel. */
  async all<K extends string>(kernels: Record<K, Kernel>): Promise<Record<K, CompiledKernel>> {
    const names = Object.keys(kernels) as K[]
    const made = await Promise.all(
      names.map(async (name) => [name, await this.compiled(kernels[name])] as const),
    )
    return Object.fromEntries(made) as Record<K, CompiledKernel>
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

/** A bind group is made of `buffers`, in the order of the kernel's bindings. */
export function dispatch(
  kernel: CompiledKernel,
  buffers: readonly GPUBuffer[],
  workgroups: readonly [number, number, number],
): Dispatch {
  return { kernel, group: kernel.bind(buffers), workgroups }
}

/** Puts dispatches into a pass, in order; each sees what those before it wrote. */
export function encode(pass: GPUComputePassEncoder, dispatches: readonly Dispatch[]): void {
  for (const { kernel, group, workgroups } of dispatches) {
    pass.setPipeline(kernel.pipeline)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(...workgroups)
  }
}
