/** BLIP-2's language models of the OPT sort: a decoder that reads query embeddings, prompt and answer as one sequence. */
import type { PackManifest } from '../../pack/manifest.ts'
import { targetFor, type Compute } from '../device/compute.ts'
import { DecoderOnly } from '../language/decoder-only.ts'
import { cacheLayout, cacheNeeds, type CacheLayout } from '../language/kv-cache.ts'
import type { LanguageFamily } from './blip2.ts'

export const opt: LanguageFamily<'blip2-opt'> = {
  parts: ['decoder'],

  cacheNeeds(manifest, compute) {
    const { shape } = manifest.parts.decoder
    return cacheNeeds(cacheLayout(shape, cacheType(manifest, compute)), shape.positions)
  },

  open(parts, { context, cacheBytes }) {
    const { manifest, runtime } = parts
    const { shape } = manifest.parts.decoder
    const keepOnDevice = DecoderOnly.deviceOutputs(shape)
    return DecoderOnly.open(runtime, {
      openSession: (recordable) => parts.open('decoder', { keepOnDevice, recordable }),
      shape,
      cacheType: cacheType(manifest, runtime.compute),
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

function cacheType({ parts }: PackManifest<'blip2-opt'>, compute: Compute): CacheLayout['type'] {
  return targetFor(compute, parts.decoder.graphs) === 'webgpu-f16' ? 'float16' : 'float32'
}
