/** What this device has, held against what a model needs: said before the first byte of it is fetched. */
import type { Precision } from '../pack/manifest.ts'
import type { DecoderShape } from '../pack/shapes.ts'
import type { Finding } from '../protocol/keeper-calls.ts'

export interface ModelNeeds {
  decoder: DecoderShape
  precision: Precision
  packBytes: number
  /** The largest tensor of the pack, which one GPU buffer must hold; null when unknown. */
  largestTensorBytes: number | null
}

/** WebAssembly addresses 4 GiB, and inputs, outputs and the runtime itself need some of it. */
const WASM_BYTES = 3.5 * 2 ** 30

export async function checkDevice(
  needs: ModelNeeds,
  freeBytes: number | null,
  missingBytes: number,
): Promise<Finding[]> {
  return [...(await checkGpu(needs)), ...checkMemory(needs), ...checkSpace(freeBytes, missingBytes)]
}

async function checkGpu({ precision, packBytes, ...needs }: ModelNeeds): Promise<Finding[]> {
  const adapter = await requestAdapter()
  if (adapter === null) {
    const fits = packBytes <= WASM_BYTES
    return [
      fits
        ? { ok: true, sentence: 'There is no WebGPU here, so it will run on the processor, which is slow.' }
        : { ok: false, sentence: 'There is no WebGPU here, and the model is too large for WebAssembly.' },
    ]
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits
  const buffer = Math.min(maxBufferSize, maxStorageBufferBindingSize)
  const largest = needs.largestTensorBytes ?? largestTensor(needs.decoder, precision)
  const findings: Finding[] = []
  if (largest > buffer) {
    findings.push({
      ok: false,
      sentence: `Its largest part has ${megabytes(largest)}, and the graphics card takes ${megabytes(buffer)} at once; a lower precision may fit.`,
    })
  } else findings.push({ ok: true, sentence: 'The graphics card takes every part of it.' })
  if (precision === 'fp16' || precision === 'q4f16') {
    findings.push(
      adapter.features.has('shader-f16')
        ? { ok: true, sentence: 'The graphics card computes in half precision.' }
        : {
            ok: true,
            sentence:
              'The graphics card lacks half precision (shader-f16), so it computes in full precision, slower.',
          },
    )
  }
  return findings
}

async function requestAdapter(): Promise<GPUAdapter | null> {
  const gpu = (navigator as { gpu?: GPU }).gpu
  return gpu === undefined
    ? null
    : gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)
}

/** `deviceMemory` is rounded and capped on purpose (Device Memory API), so it only tells small devices. */
function checkMemory({ packBytes }: ModelNeeds): Finding[] {
  const gibibytes = (navigator as { deviceMemory?: number }).deviceMemory
  if (gibibytes === undefined || gibibytes >= 8 || gibibytes * 2 ** 30 > 2 * packBytes) return []
  return [{ ok: false, sentence: `This device reports ${gibibytes} GiB of memory, which may be too little.` }]
}

function checkSpace(freeBytes: number | null, missingBytes: number): Finding[] {
  if (freeBytes === null) return []
  const room = `The browser allows ${megabytes(freeBytes)} more`
  return [
    freeBytes >= missingBytes
      ? { ok: true, sentence: `${room}, which is enough.` }
      : {
          ok: false,
          sentence: `${room}, but ${megabytes(missingBytes)} are needed. A private window allows little and forgets it.`,
        },
  ]
}

/** The embedding, as the converter stores it: 8 bits per weight unless everything is 16 or 32. */
function largestTensor({ vocabulary, hiddenSize }: DecoderShape, precision: Precision): number {
  const bytesPerWeight = { fp32: 4, fp16: 2, q8: 1, q4: 1, q4f16: 1 }[precision]
  return vocabulary * hiddenSize * bytesPerWeight
}

function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}
