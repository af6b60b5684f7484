/** BLIP-2's language models of the OPT sort: a decoder that reads query embeddings, prompt and answer as one sequence. */
import type { ContextReport } from '../../pack/device-report.ts'
import type { PackManifest } from '../../pack/manifest.ts'
import { targetFor, type Compute } from '../device/compute.ts'
import { contextFor } from '../device/context-length.ts'
import { DecoderOnly } from '../language/decoder-only.ts'
import type { LanguageFamily } from './blip2.ts'

export const opt: LanguageFamily<'blip2-opt'> = {
  parts: ['decoder'],

  async open(parts) {
    const { manifest, runtime } = parts
    const { compute } = runtime
    const { graphs, shape } = manifest.parts.decoder
    const halfCache = targetFor(compute, graphs) === 'webgpu-f16'
    const cacheType = halfCache ? 'float16' : 'float32'
    const context = contextOn(compute, manifest, cacheType)
    const keepOnDevice = DecoderOnly.deviceOutputs(shape)
    const language = await DecoderOnly.open(
      runtime,
      (recordable) => parts.open('decoder', { keepOnDevice, recordable }),
      shape,
      cacheType,
      context.positions,
    )
    return { language, context }
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

function contextOn(
  { device }: Compute,
  { parts, files }: PackManifest<'blip2-opt'>,
  cacheType: 'float32' | 'float16',
): ContextReport {
  const weightBytes = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const { deviceMemory } = (globalThis.navigator as { deviceMemory?: number } | undefined) ?? {}
  const limits = device?.limits
  const bufferBytes =
    limits === undefined ? null : Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize)
  return contextFor(
    { shape: parts.decoder.shape, cacheType, weightBytes },
    { deviceGiB: deviceMemory ?? null, bufferBytes },
  )
}
