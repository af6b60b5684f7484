/** BLIP-2's language models of the OPT sort: a decoder that reads query embeddings, prompt and answer as one sequence. */
import { cacheType } from '../../pack/model-needs.ts'
import { DecoderOnly } from '../language/decoder-only.ts'
import type { LanguageFamily } from './blip2.ts'

export const opt: LanguageFamily<'blip2-opt'> = {
  parts: ['decoder'],

  open(parts, { context, cacheBytes }) {
    const { manifest, runtime } = parts
    const { decoder } = manifest.parts
    const { shape } = decoder
    const keepOnDevice = DecoderOnly.deviceOutputs(shape)
    return DecoderOnly.open(runtime, {
      openSession: (recordable) => parts.open('decoder', { keepOnDevice, recordable }),
      shape,
      cacheType: cacheType(decoder, runtime.compute),
      context: context.positions,
      cacheBytes,
    })
  },

  form: ({ parts: { decoder } }) => ({
    promptIds: (ids) => [decoder.shape.bosId, ...ids],
    countedIds: (prompt) => [
      ...decoder.shape.imageTokenIds.flatMap((id) => Array<number>(decoder.shape.queries).fill(id)),
      ...prompt,
    ],
    eosIds: () => decoder.shape.eosIds,
  }),
}
