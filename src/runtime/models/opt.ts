/** BLIP-2's language models of the OPT sort: a decoder that reads query embeddings, prompt and answer as one sequence. */
import type { PackManifest } from '../../pack/manifest.ts'
import { targetFor, type Compute } from '../device/compute.ts'
import { DecoderOnly } from '../language/decoder-only.ts'
import { cacheLayout, cacheNeeds, type CacheLayout } from '../language/kv-cache.ts'
import type { LanguageFamily } from './blip2.ts'

export const opt: LanguageFamily = {
  parts: ['decoder'],

  cacheNeeds: (manifest, compute) =>
    cacheNeeds(cacheLayout(manifest.shape.text, cacheType(manifest, compute)), manifest.shape.text.positions),

  open(parts, { context, cacheBytes }) {
    const { manifest, runtime } = parts
    return DecoderOnly.open(runtime, {
      openSession: (recordable) =>
        parts.open('decoder', { keepOnDevice: DecoderOnly.deviceOutputs(manifest.shape), recordable }),
      shape: manifest.shape,
      cacheType: cacheType(manifest, runtime.compute),
      context: context.positions,
      cacheBytes,
    })
  },

  form: ({ shape: { text, qFormer } }) => ({
    promptIds: (ids) => [text.bosId, ...ids],
    imageIds: text.imageTokenIds.flatMap((id) => Array<number>(qFormer.queries).fill(id)),
    eosIds: () => text.eosIds,
  }),
}

function cacheType({ graphs }: PackManifest, compute: Compute): CacheLayout['type'] {
  return targetFor(compute, graphs.decoder) === 'webgpu-f16' ? 'float16' : 'float32'
}
