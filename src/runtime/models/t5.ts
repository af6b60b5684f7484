/** BLIP-2's language models of the T5 sort: an encoder that reads query embeddings and prompt, a decoder that answers. */
import type { ContextReport } from '../../pack/device-report.ts'
import { EncoderDecoder } from '../language/encoder-decoder.ts'
import type { LanguageFamily } from './blip2.ts'

/** An answer may have as many tokens; BLIP-2's have few. */
const ANSWER_POSITIONS = 512

/** T5 has no table of positions, so nothing but memory bounds a prompt. */
const MOST_PROMPT_POSITIONS = 2048

/** What the encoder's position biases, [heads, positions, positions] in float32, may have at the longest prompt. */
const BIAS_BYTES = 128 * 2 ** 20

export const t5: LanguageFamily<'blip2-t5'> = {
  parts: ['text-encoder', 'text-decoder'],

  async open(parts) {
    const { runtime, manifest } = parts
    const { 'text-encoder': encoderPart, 'text-decoder': decoderPart } = manifest.parts
    const context = contextOf(encoderPart.shape.heads)
    const encoder = await parts.open('text-encoder', {
      keepOnDevice: EncoderDecoder.encoderOutputs(decoderPart.shape),
    })
    try {
      const decoder = await parts.open('text-decoder', {
        keepOnDevice: EncoderDecoder.decoderOutputs(decoderPart.shape),
      })
      const shape = {
        ...decoderPart.shape,
        queries: encoderPart.shape.queries,
        promptPositions: context.positions,
        answerPositions: ANSWER_POSITIONS,
      }
      return { language: new EncoderDecoder(runtime, encoder, decoder, shape), context }
    } catch (error) {
      await encoder.dispose()
      throw error
    }
  },

  form: ({ parts }) => {
    const { endId } = parts['text-encoder'].shape
    const { startId, eosIds } = parts['text-decoder'].shape
    return { promptIds: (ids) => [...ids, endId], countedIds: () => [startId], eosIds: () => eosIds }
  },
}

/** Positions that picture and prompt may have together. */
function contextOf(heads: number): ContextReport {
  const inMemory = Math.floor(Math.sqrt(BIAS_BYTES / (4 * heads)))
  const positions = Math.min(MOST_PROMPT_POSITIONS, inMemory)
  const why = positions < MOST_PROMPT_POSITIONS ? 'buffer' : 'model'
  return { positions, possible: MOST_PROMPT_POSITIONS, why }
}
