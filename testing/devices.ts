/** Devices and what a model asks of them, as tests of what is said about a model before it is fetched need them. */
import type { DeviceFacts } from '../src/keeper/device-findings.ts'
import { openWords } from '../src/messages/words.ts'
import type { CaptionWork } from '../src/pack/caption-work.ts'
import type { DeviceMemory } from '../src/pack/device-memory.ts'
import type { ProbedDevice } from '../src/protocol/engine-calls.ts'
import type { Finding } from '../src/protocol/keeper-calls.ts'

/** A graphics card that lacks nothing, with memory for a model of some gigabytes. */
export const CARD: DeviceFacts = {
  provider: 'webgpu',
  f16: true,
  memory: { gib: 8, told: true, software: false, bufferBytes: 2e9 },
}

/** The processor of a computer with as much memory, unless `change` says otherwise. */
export function processor(change: Partial<DeviceMemory> = {}): DeviceFacts {
  return { provider: 'wasm', f16: false, memory: { ...CARD.memory, bufferBytes: null, ...change } }
}

/** A caption of about a dozen words by the full BLIP-2 with OPT-2.7B in 4 bits. */
export const CAPTION_WORK: CaptionWork = {
  flops: 6.6e11,
  lookNodes: 600,
  wordBytes: 1.6e9,
  wordNodes: 400,
  words: 12,
}

/** A card on which so many operations a second were measured, and bytes and launches in keeping with that. */
export function probed(flops: number, change: Partial<ProbedDevice> = {}): ProbedDevice {
  const speed = { flops, bytesPerSecond: flops / 10, launchMs: 0.02 }
  return { provider: 'webgpu', adapter: 'a card', software: false, speed, ...change }
}

const words = await openWords('en')

/** A finding as the page says it. */
export function sentenceOf({ key, values }: Finding): string {
  return words.t(`models:findings.${key}`, { ...values, defaultValue: key })
}
