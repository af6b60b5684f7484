/** Why WebGPU was not opened, in one sentence for the command line; the page says it in its own language. */
import type { UnopenedReason } from './device-report.ts'

export function reasonText(reason: UnopenedReason): string {
  switch (reason.why) {
    case 'chosen':
      return 'WebAssembly was chosen.'
    case 'no-webgpu':
      return 'There is no WebGPU here.'
    case 'no-adapter':
      return 'WebGPU found no graphics adapter here.'
    case 'not-started':
      return `WebGPU could not be started (${reason.detail}).`
  }
}
