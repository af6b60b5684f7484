/** What this device has, held against what a model needs: said before the first byte of it is fetched. */
import { largestTable, type PackModel } from '../pack/families.ts'
import type { Precision } from '../pack/manifest.ts'
import type { Finding } from '../protocol/keeper-calls.ts'
import { bytesText } from './keeper-parts.ts'

export interface ModelNeeds {
  model: PackModel
  precision: Precision
  packBytes: number
  /** The largest tensor of the pack, which one GPU buffer must hold; null when unknown. */
  largestTensorBytes: number | null
}

/** What a browser tells of the device. */
export interface DeviceFacts {
  /** Null without WebGPU. `bufferBytes`: what one buffer holds and one binding reaches. */
  gpu: { bufferBytes: number; f16: boolean } | null
  /** `deviceMemory`, in GiB: rounded and capped on purpose (Device Memory API); null where it is not told. */
  memoryGiB: number | null
}

/** WebAssembly addresses 4 GiB, and inputs, outputs and the runtime itself need some of it. */
const WASM_BYTES = 3.5 * 2 ** 30
/** The cap of `deviceMemory`: from here on it says nothing. */
const MEMORY_CAP_GIB = 8

/** `missingBytes` must still be kept, and the browser allows `freeBytes` (null when it does not say). */
export function checkDevice(
  device: DeviceFacts,
  needs: ModelNeeds,
  freeBytes: number | null,
  missingBytes: number,
): Finding[] {
  return [...checkGpu(device, needs), ...checkMemory(device, needs), ...checkSpace(freeBytes, missingBytes)]
}

function checkGpu(
  { gpu }: DeviceFacts,
  { model, precision, packBytes, largestTensorBytes }: ModelNeeds,
): Finding[] {
  if (gpu === null) {
    const fits = packBytes <= WASM_BYTES
    return [
      fits
        ? { ok: true, sentence: 'There is no WebGPU here, so it will run on the processor, which is slow.' }
        : { ok: false, sentence: 'There is no WebGPU here, and the model is too large for WebAssembly.' },
    ]
  }
  const findings: Finding[] = []
  const largest = largestTensorBytes ?? largestTensor(model, precision)
  if (largest > gpu.bufferBytes) {
    findings.push({
      ok: false,
      sentence: `Its largest part has ${bytesText(largest)}, and the graphics card takes ${bytesText(gpu.bufferBytes)} at once; a lower precision may fit.`,
    })
  } else findings.push({ ok: true, sentence: 'The graphics card takes every part of it.' })
  if (precision === 'fp16' || precision === 'q4f16') {
    const sentence = gpu.f16
      ? 'The graphics card computes in half precision.'
      : 'The graphics card lacks half precision (shader-f16), so it computes in full precision, slower.'
    findings.push({ ok: true, sentence })
  }
  return findings
}

/** Tells small devices only. */
function checkMemory({ memoryGiB }: DeviceFacts, { packBytes }: ModelNeeds): Finding[] {
  if (memoryGiB === null || memoryGiB >= MEMORY_CAP_GIB || memoryGiB * 2 ** 30 > 2 * packBytes) return []
  return [{ ok: false, sentence: `This device reports ${memoryGiB} GiB of memory, which may be too little.` }]
}

function checkSpace(freeBytes: number | null, missingBytes: number): Finding[] {
  if (freeBytes === null) return []
  const room = `The browser allows ${bytesText(freeBytes)} more`
  return [
    freeBytes >= missingBytes
      ? { ok: true, sentence: `${room}, which is enough.` }
      : {
          ok: false,
          sentence: `${room}, but ${bytesText(missingBytes)} are needed. A private window allows little and forgets it.`,
        },
  ]
}

/** The embedding, as the converter stores it: 8 bits per weight unless everything is 16 or 32. */
function largestTensor(model: PackModel, precision: Precision): number {
  const bytesPerWeight = { fp32: 4, fp16: 2, q8: 1, q4: 1, q4f16: 1 }[precision]
  return largestTable(model) * bytesPerWeight
}
