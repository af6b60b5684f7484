/** What the command line's models compute on: the processor, or WebGPU by way of Dawn. Runs in the thread of models. */
import type { KernelChoice, Provider } from '../pack/device-report.ts'
import { reasonText } from '../pack/device-words.ts'
import { AppError } from '../pack/failure.ts'
import type { OpenedCompute } from '../runtime/device/compute.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { importDawn, provideWebGpu } from './dawn.ts'
import type { Run } from './talk.ts'

export interface ProviderFlags {
  provider: Provider
  /** Where vision encoder and language model run on kernels of our own; left out: nowhere. */
  kernels?: KernelChoice
  /** See `ComputeOptions`. */
  timestamps?: boolean
}

/** Dawn's own flags, for machines with several adapters. */
const DAWN_FLAGS = 'PICTALK_DAWN_FLAGS'

/**
 * Opens what was asked for, and says on what adapter. Throws `not-found` where there is no WebGPU here: whoever asked for
 * it would rather know than wait for a processor.
 */
export async function openProvider(
  { provider, timestamps = false }: ProviderFlags,
  run: Run,
): Promise<OpenedCompute> {
  if (provider === 'wasm') return openCompute('wasm')
  provideWebGpu(await importDawn(), process.env[DAWN_FLAGS]?.split(' ').filter(Boolean))
  const compute = await openCompute('webgpu', { timestamps })
  if (compute.provider !== 'webgpu')
    throw new AppError(
      'not-found',
      `${reasonText(compute.reason ?? { why: 'no-webgpu' })} Look after the graphics driver, or compute on the processor.`,
    )
  const { adapter, f16, software } = compute
  const kind = software ? ', a software adapter' : ''
  run.remark(
    `pictalk: computes on ${adapter || 'a graphics adapter'}${kind} (${f16 ? 'float16' : 'float32'}).`,
  )
  return compute
}
