/** BLIP-2's language models of the T5 sort: an encoder that reads query embeddings and prompt, a decoder that answers. */
import { EncoderDecoder } from '../language/encoder-decoder.ts'
import { cacheLayout, cacheNeeds } from '../language/kv-cache.ts'
import type { LanguageFamily } from './blip2.ts'

/** An answer may have as many tokens; BLIP-2's have few. */
const ANSWER_POSITIONS = 512

/** T5 has no table of positions, so nothing but memory bounds a prompt. */
const MOST_PROMPT_POSITIONS = 2048

/** What the encoder's position biases, [heads, positions, positions] in float32, may have at the longest prompt. */
const BIAS_BYTES = 128 * 2 ** 20

export const t5: LanguageFamily<'blip2-t5'> = {
  parts: ['text-encoder', 'text-decoder'],

  cacheNeeds({ parts }) {
    const { shape } = parts['text-decoder']
    const inBias = Math.floor(Math.sqrt(BIAS_BYTES / (4 * shape.heads)))
    const needs = cacheNeeds(cacheLayout(shape, 'float32'), Math.min(MOST_PROMPT_POSITIONS, inBias))
    // For every position of a prompt there are keys and values of the cross-attention besides.
    return { ...needs, positionBytes: 2 * needs.positionBytes }
  },

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
