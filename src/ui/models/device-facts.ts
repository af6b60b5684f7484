/** What the panel of the device lists: notes, which are words only where they are shown. */
import type { Note, Saying, WordKey } from '../../messages/note.ts'
import { CAPTION_WORDS } from '../../pack/caption-work.ts'
import type {
  ContextReport,
  DeviceReport,
  KernelTimes,
  MemoryReport,
  ProcessorReason,
} from '../../pack/device-report.ts'
import type { BenchResult } from '../../protocol/bench-result.ts'
import { contextFinding } from '../../protocol/keeper-calls.ts'

export interface Fact {
  name: WordKey
  value: Saying
}

/** What was chosen here and why, and what the device can do. */
export function choicesOf(device: DeviceReport): Fact[] {
  const { provider, reason, context, memory, build } = device
  return [
    { name: 'models:device.fact.runsOn', value: placeOf(device) },
    ...(reason === null ? [] : [{ name: 'models:device.fact.why', value: reasonNote(reason) } as const]),
    ...(provider === 'webgpu' ? gpuChoices(device) : []),
    { name: 'models:device.fact.context', value: contextNote(context) },
    { name: 'models:device.fact.memory', value: memoryNotes(memory) },
    { name: 'models:device.fact.build', value: { key: `models:device.builds.${build}` } },
    ...limitsOf(device),
  ]
}

/** Why a model runs on the processor. */
export function reasonNote(reason: ProcessorReason): Note {
  switch (reason.why) {
    case 'not-started':
      return { key: 'models:device.reason.not-started', values: { detail: reason.detail } }
    case 'faster': {
      const { processorSeconds, gpuSeconds, adapter, software } = reason
      const values = { processor: 1000 * processorSeconds, gpu: 1000 * gpuSeconds, name: adapter || 'WebGPU' }
      return { key: software ? 'models:device.reason.fasterSoftware' : 'models:device.reason.faster', values }
    }
    default:
      return { key: `models:device.reason.${reason.why}` }
  }
}

function placeOf({ provider, adapter: name, software }: DeviceReport): Note {
  if (provider === 'wasm') return { key: 'models:device.on.wasm' }
  if (name === '') return { key: software ? 'models:device.on.unnamedSoftware' : 'models:device.on.unnamed' }
  return { key: software ? 'models:device.on.software' : 'models:device.on.webgpu', values: { name } }
}

function gpuChoices(device: DeviceReport): Fact[] {
  const { f16, recordsSteps, ownKernels, kernelTimes, visionKernels, visionTimes, subgroups } = device
  // The decoder's must not be slower, the vision encoder's be faster by half.
  const ofVision = visionKernels === 'slower' ? 'tooSlow' : visionKernels
  const facts: (Fact | null)[] = [
    { name: 'models:device.fact.half', value: { key: `models:device.half.${yesOrNo(f16)}` } },
    { name: 'models:device.fact.kernels', value: { key: `models:device.kernels.${ownKernels}` } },
    timesFact('models:device.fact.token', kernelTimes),
    { name: 'models:device.fact.visionKernels', value: { key: `models:device.kernels.${ofVision}` } },
    timesFact('models:device.fact.picture', visionTimes),
    ownKernels === 'used'
      ? null
      : {
          name: 'models:device.fact.recorded',
          value: { key: `models:device.recorded.${recordsSteps === null ? 'open' : yesOrNo(recordsSteps)}` },
        },
    subgroups === null
      ? null
      : { name: 'models:device.fact.subgroups', value: { key: `models:device.subgroups.${subgroups}` } },
  ]
  return facts.filter((fact) => fact !== null)
}

function timesFact(name: WordKey, times: KernelTimes | null): Fact | null {
  return times === null ? null : { name, value: { key: 'models:device.figure.token', values: { ...times } } }
}

const yesOrNo = (is: boolean): 'yes' | 'no' => (is ? 'yes' : 'no')

/** In the words of an offer. */
function contextNote(context: ContextReport): Note {
  const { key, values = {} } = contextFinding(context)
  return { key: `models:findings.${key}`, values }
}

function memoryNotes({ keepsAll, why }: MemoryReport): Note[] {
  return [
    { key: keepsAll ? 'models:findings.staysLoaded' : 'models:findings.putAway' },
    memoryReason(keepsAll, why),
  ]
}

function memoryReason(keepsAll: boolean, why: MemoryReport['why']): Note {
  switch (why.kind) {
    case 'wasm':
      return { key: 'models:device.memory.wasm' }
    case 'chosen':
      return { key: `models:device.memory.chosen-${keepsAll ? 'keep' : 'spare'}` }
    case 'plenty':
      return { key: 'models:device.memory.chosen-plenty' }
    case 'share': {
      const { gib, told } = why
      const key =
        `models:device.memory.${keepsAll ? 'within' : 'beyond'}-${told ? 'told' : 'assumed'}` as const
      return { key, values: { gib } }
    }
  }
}

function limitsOf({ limits }: DeviceReport): Fact[] {
  if (limits === null) return []
  const bytes = (size: number): Note => ({ key: 'models:device.figure.bytes', values: { size } })
  return [
    { name: 'models:device.fact.buffer', value: bytes(limits.buffer) },
    { name: 'models:device.fact.binding', value: bytes(limits.storageBinding) },
    { name: 'models:device.fact.workgroup', value: bytes(limits.workgroupStorage) },
  ]
}

type Measured = Pick<BenchResult, 'load' | 'encode' | 'firstToken' | 'prefill' | 'decode' | 'limit'>

/** What is named as it is put in words. */
type Figure = 'loading' | 'looking' | 'reading' | 'first' | 'between' | 'limit'

/** What was measured, a caption first: beside what half a second of trying had foretold of it. */
export function figuresOf(result: Measured, predictedSeconds: number | null): Fact[] {
  const { load, encode, firstToken, prefill, decode, limit } = result
  const best = decode.recorded ?? decode.plain
  const measured = encode.vision + encode.qFormer + prefill.ms + CAPTION_WORDS * best.ms
  const figure = (name: Figure, values: Record<string, number>): Fact => ({
    name: `models:device.fact.${name}`,
    value: { key: `models:device.figure.${name}`, values },
  })
  const tokens = (speed: number): Note => ({ key: 'models:device.figure.writing', values: { speed } })
  const caption: Note = { key: 'models:device.figure.caption', values: { measured, words: CAPTION_WORDS } }
  const foretold: Note[] =
    predictedSeconds === null
      ? []
      : [{ key: 'models:device.figure.foretold', values: { predicted: 1000 * predictedSeconds } }]
  return [
    { name: 'models:device.fact.caption', value: [caption, ...foretold] },
    figure('loading', { total: load.total, speed: load.bytesPerSecond }),
    figure('looking', { vision: encode.vision, qFormer: encode.qFormer }),
    figure('reading', { speed: prefill.positionsPerSecond }),
    figure('first', { warm: firstToken.warm, cold: firstToken.cold }),
    { name: 'models:device.fact.writing', value: tokens(best.tokensPerSecond) },
    ...(decode.recorded === null
      ? []
      : [{ name: 'models:device.fact.plain', value: tokens(decode.plain.tokensPerSecond) } as const]),
    figure('between', { host: best.hostMs, dispatches: best.dispatches }),
    ...(limit === null
      ? []
      : [figure('limit', { percent: 100 * limit.reached, speed: limit.tokensPerSecond })]),
  ]
}
