/** Ways to decode under names that people understand. Sources: blip2.md 4.5. */
import { GREEDY, type DecodingSettings } from '../pack/decoding.ts'

export const PRESETS = {
  quick: { name: 'Quick', hint: 'the likeliest word each time', settings: GREEDY },
  caption: {
    name: 'Caption',
    hint: 'five beams, at least eight tokens, as LAVIS captions COCO',
    settings: { ...GREEDY, beams: 5, minNewTokens: 8 },
  },
  short: { name: 'Short answer', hint: 'at most ten tokens', settings: { ...GREEDY, maxNewTokens: 10 } },
  creative: {
    name: 'Creative',
    hint: 'sampled from the likeliest words, different each time',
    settings: {
      ...GREEDY,
      repetitionPenalty: 1.2,
      sampling: { temperature: 1, topK: 0, topP: 0.9, seed: 0 },
    },
  },
  vqa: {
    name: 'LAVIS VQA',
    hint: 'five beams, at most ten tokens, short answers favoured (length penalty -1)',
    settings: { ...GREEDY, beams: 5, maxNewTokens: 10, lengthPenalty: -1 },
  },
  own: { name: 'My own', hint: 'every setting by hand', settings: GREEDY },
} as const satisfies Record<string, { name: string; hint: string; settings: DecodingSettings }>

export type PresetName = keyof typeof PRESETS

export function isPreset(name: unknown): name is PresetName {
  return typeof name === 'string' && Object.hasOwn(PRESETS, name)
}
