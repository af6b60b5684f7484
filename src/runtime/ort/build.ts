/** Which of ONNX Runtime Web's builds runs here. */
import type * as OrtModule from 'onnxruntime-common'
import type { Provider, RuntimeBuild } from '../../pack/device-report.ts'
import { scriptInTime } from '../../pack/script.ts'

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

/** A script of half a megabyte comes in this time over a line of 4 kB/s. */
const PATIENCE_MS = 120_000

/** Loads the build that fits. Throws `stalled` and `network`; a browser may remember either until its thread ends. */
export function importOrt(provider: Provider, load = loadBuild, patienceMs = PATIENCE_MS): Promise<Ort> {
  return scriptInTime(load(buildFor(provider)), 'runs models', patienceMs)
}

async function loadBuild(build: RuntimeBuild): Promise<Ort> {
  if (build === 'wasm') return import('onnxruntime-web/wasm')
  return build === 'jspi' ? import('onnxruntime-web/jspi') : import('onnxruntime-web/webgpu')
}
