/** What this device has, held against what a model needs: said before the first byte of it is fetched. */
import type { DeviceMemory } from '../pack/device-memory.ts'
import type { MemoryChoice } from '../pack/device-report.ts'
import { contextText, memoryText } from '../pack/device-words.ts'
import { largestTable, type PackModel } from '../pack/families.ts'
import type { Precision } from '../pack/manifest.ts'
import { boundByWasm, budgetFor, gibText } from '../pack/memory-budget.ts'
import { needsOf, type PlannedPack } from '../pack/model-needs.ts'
import type { Processor } from '../pack/targets.ts'
import type { Finding } from '../protocol/keeper-calls.ts'
import { bytesText } from './keeper-parts.ts'

/** A model that may be added. */
export interface Candidate {
  pack: PlannedPack
  /** The largest tensor of the pack, which one GPU buffer must hold; null when unknown. */
  largestTensorBytes: number | null
}

/** What a model would run on. */
export interface DeviceFacts extends Processor {
  memory: DeviceMemory
  /** What the graphics adapter calls itself; absent on the processor. */
  adapter?: string
}

/** `choice` is what people want of memory. */
export function checkDevice(device: DeviceFacts, candidate: Candidate, choice: MemoryChoice): Finding[] {
  return [...checkProcessor(device, candidate), ...checkMemory(device, candidate, choice)]
}

/** `missingBytes` must still be kept, and the browser allows `freeBytes` (null when it does not say). */
export function checkSpace(freeBytes: number | null, missingBytes: number): Finding[] {
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

function checkProcessor(
  { f16, memory, adapter = '' }: DeviceFacts,
  { pack, largestTensorBytes }: Candidate,
): Finding[] {
  const { bufferBytes } = memory
  if (bufferBytes === null)
    return [{ ok: true, mixed: true, sentence: 'It will run on the processor (WebAssembly), which is slow.' }]
  const findings: Finding[] = []
  const device = memory.software ? 'software renderer' : 'graphics card'
  if (memory.software)
    findings.push({
      ok: true,
      mixed: true,
      sentence: `WebGPU is computed by the processor here (${adapter || 'a software renderer without a name'}): there is no graphics card that it could use.`,
    })
  const largest = largestTensorBytes ?? largestTensor(pack, pack.precision)
  if (largest > bufferBytes) {
    findings.push({
      ok: false,
      sentence: `Its largest part has ${bytesText(largest)}, and the ${device} takes ${bytesText(bufferBytes)} at once; a lower precision may fit.`,
    })
  } else findings.push({ ok: true, sentence: `The ${device} takes every part of it.` })
  if (pack.precision === 'fp16' || pack.precision === 'q4f16') {
    const sentence = f16
      ? `The ${device} computes in half precision.`
      : `The ${device} lacks half precision (shader-f16), so it computes in full precision, slower.`
    findings.push({ ok: true, ...(!f16 && { mixed: true }), sentence })
  }
  return findings
}

/** What the model would be given when it is loaded, by the same budget. */
function checkMemory(device: DeviceFacts, { pack }: Candidate, choice: MemoryChoice): Finding[] {
  const needs = needsOf(pack, device)
  const { memory } = device
  const { bytes, fits, look, talk } = budgetFor(needs, memory, choice)
  const weights = `Its weights take ${bytesText(needs.weightBytes)}`
  const room = boundByWasm(memory)
    ? `WebAssembly holds ${bytesText(bytes)}`
    : `half of the ${gibText(memory)} is for the model, ${bytesText(bytes)}`
  const findings: Finding[] = [
    fits
      ? { ok: true, sentence: `${weights}; ${room}.` }
      : { ok: false, sentence: `${weights}; ${room}, which may be too little.` },
    { ok: true, ...(!look.keepsAll && { mixed: true }), sentence: memoryText(look) },
  ]
  if (talk !== null)
    findings.push({
      ok: true,
      ...(talk.context.why !== 'model' && { mixed: true }),
      sentence: `A conversation may have ${contextText(talk.context)}.`,
    })
  return findings
}

/** The embedding, as the converter stores it: 8 bits per weight unless everything is 16 or 32. */
function largestTensor(model: PackModel, precision: Precision): number {
  const bytesPerWeight = { fp32: 4, fp16: 2, q8: 1, q4: 1, q4f16: 1 }[precision]
  return largestTable(model) * bytesPerWeight
}
