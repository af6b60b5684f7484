/** What a model takes of a device: told of packs and of those that are still to be made, before anything is loaded. */
import { isAside, partsOf, type Family, type PackModel, type PackPart, type PartName } from './families.ts'
import { decoderWorkBytes, encoderWorkBytes } from './kernel-memory.ts'
import { weightBytes, type Precision } from './manifest.ts'
import type { CacheNeeds, ModelNeeds } from './memory-budget.ts'
import { CACHE_NUMBER_BYTES, cacheTypeOf, targetFor, type CacheType, type Processor } from './targets.ts'

/** A pack as far as it is planned. */
export type PlannedPack<F extends Family = Family> = PackModel<F> & {
  precision: Precision
  files: readonly { path: string; bytes: number }[]
}

/** T5 has no table of positions, so nothing but memory bounds a prompt. */
const MOST_PROMPT_POSITIONS = 2048

/** What the position biases of T5's encoder, [heads, positions, positions] in float32, may have at the longest prompt. */
const BIAS_BYTES = 128 * 2 ** 20

export function needsOf(pack: PlannedPack, processor: Processor): ModelNeeds {
  const weights = loadedParts(pack).map(([name, part]) => {
    const stored = weightBytes(pack, name)
    return pack.precision === 'fp16' && !halfPrecision(part, processor) ? 2 * stored : stored
  })
  return {
    weightBytes: weights.reduce((sum, bytes) => sum + bytes, 0),
    workBytes: workBytesOf(pack, processor),
    cache: cacheNeeds(pack, processor),
  }
}

/** On the processor the runtime's heap has them, of which the budget leaves a part. */
function workBytesOf(model: PackModel, { provider }: Processor): number {
  if (provider === 'wasm') return 0
  const looking = encoderWorkBytes(model.parts.vision.shape)
  return model.family === 'blip2-opt' ? looking + decoderWorkBytes(model.parts.decoder.shape) : looking
}

/** Of a decoder's caches: those of graphs that compute in 16 bits have 16 bits. */
export function cacheType({ graphs }: PackPart, processor: Processor): CacheType {
  return cacheTypeOf(targetFor(processor, graphs))
}

/** Of one decoder's cache of one row: keys and values of every layer, for sequences of at most `positions` positions. */
export function cacheNeedsOf(
  { layers, heads, cacheHeadSize }: { layers: number; heads: number; cacheHeadSize: number },
  type: CacheType,
  positions: number,
): CacheNeeds {
  const tensorPositionBytes = heads * cacheHeadSize * CACHE_NUMBER_BYTES[type]
  return { positions, positionBytes: 2 * layers * tensorPositionBytes, tensorPositionBytes }
}

/** The parts that are loaded together. */
export function loadedParts(pack: PlannedPack): [PartName, PackPart][] {
  return partsOf(pack).filter(([name]) => !isAside(name))
}

function cacheNeeds(model: PackModel, processor: Processor): CacheNeeds | null {
  switch (model.family) {
    case 'blip2-opt': {
      const { decoder } = model.parts
      return cacheNeedsOf(decoder.shape, cacheType(decoder, processor), decoder.shape.positions)
    }
    case 'blip2-t5': {
      const { shape } = model.parts['text-decoder']
      const inBias = Math.floor(Math.sqrt(BIAS_BYTES / (4 * shape.heads)))
      const needs = cacheNeedsOf(shape, 'float32', Math.min(MOST_PROMPT_POSITIONS, inBias))
      // For every position of a prompt there are keys and values of the cross-attention besides.
      return { ...needs, positionBytes: 2 * needs.positionBytes }
    }
    case 'blip2-itm':
      return null
  }
}

function halfPrecision({ graphs }: PackPart, processor: Processor): boolean {
  return targetFor(processor, graphs) === 'webgpu-f16'
}
