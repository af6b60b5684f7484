/** Which of ONNX Runtime Web's builds runs here. */
import type * as OrtModule from 'onnxruntime-common'
import type { Provider, RuntimeBuild } from '../../pack/device-report.ts'

export type Ort = typeof OrtModule

/** Whether the JSPI build runs here: smaller than asyncify's, and it reads weights out of Blobs at the GPU's pace. */
export function hasJspi(): boolean {
  return 'Suspending' in WebAssembly
}

/** Which build of ONNX Runtime a provider takes here. */
export function buildFor(provider: Provider): RuntimeBuild {
  if (provider === 'wasm') return 'wasm'
  return hasJspi() ? 'jspi' : 'asyncify'
}

/** Loads the build that fits. */
export async function importOrt(provider: Provider): Promise<Ort> {
  const build = buildFor(provider)
  if (build === 'wasm') return import('onnxruntime-web/wasm')
  return build === 'jspi' ? import('onnxruntime-web/jspi') : import('onnxruntime-web/webgpu')
}
