/** What is asked again in the same words would be answered in the same words where nothing is drawn: then it is sampled. */
import { answerText, siblingsOf, type Conversation, type Turn } from '../conversation/conversation.ts'
import type { DecodingSettings } from '../pack/decoding.ts'
import { PRESETS } from './presets.ts'

export interface Decoded {
  settings: DecodingSettings
  /** Sampled in place of the settings that people chose. */
  varied: boolean
}

/** What an answer is decoded with, for comparison with another time. */
export function decodingKey(settings: DecodingSettings): string {
  const { sampling, ...rest } = settings
  return Object.entries({ ...rest, ...sampling })
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(', ')
    .slice(0, 250)
}

/** The settings for a turn's answer about a picture by `model`; `seed` is for what is sampled. */
export function decodedFor(
  { conversation, turn, pictureId }: { conversation: Conversation; turn: Turn; pictureId: string },
  settings: DecodingSettings,
  { model, seed }: { model: string | null; seed: number },
): Decoded {
  const plain = { settings, varied: false }
  if (settings.sampling !== null) return plain
  const key = decodingKey(settings)
  const siblings = siblingsOf(conversation, turn)
  const before = siblings
    .slice(0, siblings.indexOf(turn))
    .filter(({ question }) => question === turn.question)
    .map(({ answers }) => answers[pictureId])
  const isKnown = before.some((answer) => {
    if (answer?.status !== 'done' || answerText(answer) === '' || answer.facts.finish === 'stopped')
      return false
    const { decoding = key, model: by = model } = answer.facts
    return decoding === key && by === model
  })
  if (!isKnown) return plain
  const { repetitionPenalty, sampling } = PRESETS.creative
  return {
    settings: { ...settings, beams: 1, answers: 1, repetitionPenalty, sampling: { ...sampling, seed } },
    varied: true,
  }
}
