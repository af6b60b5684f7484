/** What this device has, held against what a model needs: said before the first byte of it is fetched. */
import type { DeviceMemory } from '../pack/device-memory.ts'
import type { MemoryChoice } from '../pack/device-report.ts'
import { largestTable, type PackModel } from '../pack/families.ts'
import type { Precision } from '../pack/manifest.ts'
import { boundByWasm, budgetFor, roomTrials } from '../pack/memory-budget.ts'
import { needsOf, type PlannedPack } from '../pack/model-needs.ts'
import type { Processor } from '../pack/targets.ts'
import { contextFinding, type Finding } from '../protocol/keeper-calls.ts'

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
export function deviceFindings(device: DeviceFacts, candidate: Candidate, choice: MemoryChoice): Finding[] {
  return [...processorFindings(device, candidate), ...memoryFindings(device, candidate, choice)]
}

/** `missingBytes` must still be kept, and the browser allows `freeBytes` (null when it does not say). */
export function spaceFindings(freeBytes: number | null, missingBytes: number): Finding[] {
  if (freeBytes === null) return []
  const ok = freeBytes >= missingBytes
  return [
    { ok, key: ok ? 'room' : 'roomLittle', values: { free: freeBytes, ...(!ok && { need: missingBytes }) } },
  ]
}

function processorFindings(
  { f16, memory, adapter = '' }: DeviceFacts,
  { pack, largestTensorBytes }: Candidate,
): Finding[] {
  const { bufferBytes } = memory
  if (bufferBytes === null) return [{ ok: true, mixed: true, key: 'onProcessor' }]
  const findings: Finding[] = []
  const device = memory.software ? 'Software' : 'Card'
  if (memory.software)
    findings.push({
      ok: true,
      mixed: true,
      ...(adapter === '' ? { key: 'softwareUnnamed' } : { key: 'software', values: { adapter } }),
    })
  const part = largestTensorBytes ?? largestTensor(pack, pack.precision)
  if (part > bufferBytes)
    findings.push({ ok: false, key: `tooLarge${device}`, values: { part, buffer: bufferBytes } })
  else findings.push({ ok: true, key: `fits${device}` })
  if (pack.precision === 'fp16' || pack.precision === 'q4f16')
    findings.push(
      f16 ? { ok: true, key: `half${device}` } : { ok: true, mixed: true, key: `noHalf${device}` },
    )
  return findings
}

/** What the model would be given when it is loaded, by the same budget. */
function memoryFindings(device: DeviceFacts, { pack }: Candidate, choice: MemoryChoice): Finding[] {
  const needs = needsOf(pack, device)
  const { memory } = device
  const { bytes, fits, look, talk } = budgetFor(needs, memory, choice)
  const where = boundByWasm(memory) ? 'Wasm' : memory.told ? 'Told' : 'Assumed'
  const values = { weights: needs.weightBytes, room: bytes, ...(where !== 'Wasm' && { gib: memory.gib }) }
  const weights: Finding = { ok: fits, key: `weights${where}${fits ? '' : 'Little'}`, values }
  const arranged: Finding[] = [
    look.keepsAll ? { ok: true, key: 'staysLoaded' } : { ok: true, mixed: true, key: 'putAway' },
  ]
  if (talk !== null) {
    const [trial] = roomTrials(needs, memory, choice)
    const { positions } = talk.context
    arranged.push(
      trial === undefined
        ? contextFinding(talk.context)
        : { ok: true, mixed: true, key: 'contextTried', values: { positions, tried: trial.positions } },
    )
  }
  // How a model that may not fit would be arranged is no good news.
  return [weights, ...arranged.map((finding) => (fits ? finding : { ...finding, mixed: true as const }))]
}

/** The embedding, as the converter stores it: 8 bits per weight unless everything is 16 or 32. */
function largestTensor(model: PackModel, precision: Precision): number {
  const bytesPerWeight = { fp32: 4, fp16: 2, q8: 1, q4: 1, q4f16: 1 }[precision]
  return largestTable(model) * bytesPerWeight
}
