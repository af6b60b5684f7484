/** BLIP-2's language models of the T5 sort: an encoder that reads query embeddings and prompt, a decoder that answers. */
import { EncoderDecoder } from '../language/encoder-decoder.ts'
import type { LanguageFamily } from './blip2.ts'

/** An answer may have as many tokens; BLIP-2's have few. */
const ANSWER_POSITIONS = 512

export const t5: LanguageFamily<'blip2-t5'> = {
  parts: ['text-encoder', 'text-decoder'],

  async open(parts, { context, cacheBytes }) {
    const { runtime, manifest } = parts
    const { 'text-encoder': encoderPart, 'text-decoder': decoderPart } = manifest.parts
    const { shape } = decoderPart
    const encoder = await parts.open('text-encoder', { keepOnDevice: EncoderDecoder.encoderOutputs(shape) })
    try {
      const decoder = await parts.open('text-decoder', { keepOnDevice: EncoderDecoder.decoderOutputs(shape) })
      return new EncoderDecoder(
        runtime,
        { encoder, decoder, cacheBytes },
        {
          ...shape,
          queries: encoderPart.shape.queries,
          promptPositions: context.positions,
          answerPositions: Math.min(ANSWER_POSITIONS, context.positions),
        },
      )
    } catch (error) {
      await encoder.dispose()
      throw error
    }
  },

  form: ({ parts }) => {
    const { endId } = parts['text-encoder'].shape
    const { shape } = parts['text-decoder']
    return {
      promptIds: (ids) => [...ids, endId],
      countedIds: () => [shape.startId],
      eosIds: () => shape.eosIds,
    }
  },
}
