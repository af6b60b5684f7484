/** Ways to decode under names that people understand. Sources: blip2.md 4.5. */
import { GREEDY, type DecodingSettings } from '../pack/decoding.ts'

export const PRESETS = {
  quick: GREEDY,
  caption: { ...GREEDY, beams: 5, minNewTokens: 8 },
  short: { ...GREEDY, maxNewTokens: 10 },
  creative: {
    ...GREEDY,
    repetitionPenalty: 1.2,
    sampling: { temperature: 1, topK: 0, topP: 0.9, seed: 0 },
  },
  vqa: { ...GREEDY, beams: 5, maxNewTokens: 10, lengthPenalty: -1 },
  own: GREEDY,
} as const satisfies Record<string, DecodingSettings>

export type PresetName = keyof typeof PRESETS

export function isPreset(name: unknown): name is PresetName {
  return typeof name === 'string' && Object.hasOwn(PRESETS, name)
}
