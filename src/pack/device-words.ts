/** Why WebGPU is not used, in one sentence for the command line; the page says it in its own language. */
import { secondsText } from './caption-work.ts'
import type { ProcessorReason } from './device-report.ts'

export function reasonText(reason: ProcessorReason): string {
  switch (reason.why) {
    case 'chosen':
      return 'WebAssembly was chosen.'
    case 'no-webgpu':
      return 'There is no WebGPU here.'
    case 'no-adapter':
      return 'WebGPU found no graphics adapter here.'
    case 'not-started':
      return `WebGPU could not be started (${reason.detail}).`
    case 'faster': {
      const { processorSeconds, gpuSeconds, adapter } = reason
      return `A step was measured on both: a caption takes about ${secondsText(processorSeconds)} on the processor and ${secondsText(gpuSeconds)} on WebGPU (${adapter}).`
    }
  }
}
