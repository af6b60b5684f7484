/** What goes into and comes out of each graph of a model, in numbers: `parts` gives the names, shapes the sizes. */
import { partNamed, type PackModel, type PartName, type Target } from './families.ts'
import {
  crossAttention,
  decoder,
  pooledClass,
  qFormer,
  textDecoder,
  textEncoder,
  textQFormer,
  textStates,
  vision,
  wordHead,
} from './parts.ts'
import type {
  CrossAttentionShape,
  DecoderShape,
  QFormerShape,
  TextDecoderShape,
  TextEncoderShape,
  TextQFormerShape,
  VisionShape,
  WordHeadShape,
} from './shapes.ts'
import { cacheTypeOf } from './targets.ts'

export type TensorType = 'float32' | 'float16' | 'int64' | 'int32'

/** A tensor's type, and each dimension that is fixed; null for one that varies from run to run. */
export interface TensorTreaty {
  type: TensorType
  dims: readonly (number | null)[]
}

/** Tensors by name. */
export interface GraphTreaty {
  inputs: Record<string, TensorTreaty>
  outputs: Record<string, TensorTreaty>
}

/** What the graph of a part for a target must take and give; null for a part that the model has not. */
export function graphTreaty(model: PackModel, part: PartName, target: Target): GraphTreaty | null {
  const eye = model.parts.vision.shape
  if (part === 'vision') return visionTreaty(eye)
  if (partNamed(model, part) === undefined) return null
  if (part === 'pooled-class') return pooledClassTreaty(eye)
  if (model.family === 'blip2-itm') {
    const { 'text-q-former': former, 'cross-attention': look, 'word-head': head } = model.parts
    if (part === 'text-q-former') return textQFormerTreaty(former.shape, eye)
    if (part === 'word-head') return head === undefined ? null : wordHeadTreaty(head.shape)
    return part === 'cross-attention' ? crossAttentionTreaty(look.shape, eye) : null
  }
  if (part === 'q-former') return qFormerTreaty(model.parts['q-former'].shape, eye)
  switch (model.family) {
    case 'blip2-opt':
      if (part === 'text-states') return textStatesTreaty(model.parts.decoder.shape)
      return part === 'decoder' ? decoderTreaty(model.parts.decoder.shape, cacheTypeOf(target)) : null
    case 'blip2-t5': {
      const { 'text-encoder': reads, 'text-decoder': says } = model.parts
      if (part === 'text-encoder') return textEncoderTreaty(reads.shape)
      return part === 'text-decoder' ? textDecoderTreaty(says.shape) : null
    }
  }
}

const float32 = (...dims: (number | null)[]): TensorTreaty => ({ type: 'float32', dims })
const int64 = (...dims: (number | null)[]): TensorTreaty => ({ type: 'int64', dims })
const int32 = (...dims: (number | null)[]): TensorTreaty => ({ type: 'int32', dims })

function visionTreaty({ imageSize, tokens, hiddenSize }: VisionShape): GraphTreaty {
  return {
    inputs: { [vision.input.pixels]: float32(1, 3, imageSize, imageSize) },
    outputs: { [vision.output.features]: float32(1, tokens, hiddenSize) },
  }
}

function qFormerTreaty(
  { queries, hiddenSize, embeddingSize }: QFormerShape,
  { tokens, hiddenSize: width }: VisionShape,
): GraphTreaty {
  return {
    inputs: { [qFormer.input.features]: float32(1, tokens, width) },
    outputs: {
      [qFormer.output.queries]: float32(1, queries, hiddenSize),
      [qFormer.output.embeddings]: float32(1, queries, embeddingSize),
    },
  }
}

/** A text alone is read behind a picture of one token, so their number is free. */
function textQFormerInputs({ hiddenSize }: VisionShape): Record<string, TensorTreaty> {
  const { input } = textQFormer
  return {
    [input.features]: float32(null, null, hiddenSize),
    [input.pictures]: int64(null),
    [input.tokens]: int64(null, null),
    [input.mask]: float32(null, 1, null, null),
  }
}

function textQFormerTreaty(
  { queries, hiddenSize, projectionSize }: TextQFormerShape,
  eye: VisionShape,
): GraphTreaty {
  const { output } = textQFormer
  return {
    inputs: textQFormerInputs(eye),
    outputs: {
      [output.queries]: float32(null, queries, hiddenSize),
      [output.imageVectors]: float32(null, queries, projectionSize),
      [output.text]: float32(null, null, hiddenSize),
      [output.textVectors]: float32(null, null, projectionSize),
      [output.match]: float32(null, 2),
    },
  }
}

function crossAttentionTreaty(
  { queries, layers, heads }: CrossAttentionShape,
  eye: VisionShape,
): GraphTreaty {
  const maps = Array.from({ length: layers }, (_, layer) => [
    crossAttention.output(layer),
    float32(null, heads, queries, null),
  ])
  return { inputs: textQFormerInputs(eye), outputs: Object.fromEntries(maps) as Record<string, TensorTreaty> }
}

function wordHeadTreaty({ hiddenSize, vocabulary }: WordHeadShape): GraphTreaty {
  return {
    inputs: { [wordHead.input.text]: float32(1, null, hiddenSize) },
    outputs: { [wordHead.output.logits]: float32(1, null, vocabulary) },
  }
}

function pooledClassTreaty({ hiddenSize }: VisionShape): GraphTreaty {
  return {
    inputs: { [pooledClass.input.classToken]: float32(1, hiddenSize) },
    outputs: { [pooledClass.output.pooled]: float32(1, hiddenSize) },
  }
}

function textStatesTreaty({ layers, hiddenSize }: DecoderShape): GraphTreaty {
  const { input, output } = textStates
  return {
    inputs: {
      [input.tokens]: int64(1, null),
      [input.positions]: int64(1, null),
      [input.mask]: float32(1, 1, null, null),
    },
    outputs: { [output.states]: float32(layers + 1, null, hiddenSize) },
  }
}

function decoderTreaty(
  { queries, hiddenSize, layers, heads, cacheHeadSize, vocabulary }: DecoderShape,
  cacheType: TensorType,
): GraphTreaty {
  const { input, output } = decoder
  const cache = { type: cacheType, dims: [null, heads, null, cacheHeadSize] }
  return {
    inputs: {
      [input.tokens]: int64(null, null),
      [input.queries]: float32(null, queries, hiddenSize),
      [input.rows]: int64(null),
      [input.positions]: int64(null, null),
      [input.logitRows]: int64(null),
      [input.lastPosition]: int32(null),
      [input.totalLength]: int32(1),
      ...ofLayers(layers, cache, decoder.pastKey, decoder.pastValue),
    },
    outputs: {
      [output.logits]: float32(1, null, vocabulary),
      ...ofLayers(layers, cache, decoder.presentKey, decoder.presentValue),
    },
  }
}

function textEncoderTreaty({
  queries,
  hiddenSize,
  heads,
  headSize,
  crossLayers,
}: TextEncoderShape): GraphTreaty {
  const { input, output } = textEncoder
  const cross = float32(1, heads, null, headSize)
  return {
    inputs: {
      [input.tokens]: int64(1, null),
      [input.queries]: float32(1, queries, hiddenSize),
      [input.buckets]: int64(null, null),
    },
    outputs: {
      [output.hidden]: float32(1, null, hiddenSize),
      ...ofLayers(crossLayers, cross, textEncoder.crossKey, textEncoder.crossValue),
    },
  }
}

function textDecoderTreaty({
  layers,
  heads,
  headSize,
  cacheHeadSize,
  vocabulary,
}: TextDecoderShape): GraphTreaty {
  const { input, output } = textDecoder
  const cache = float32(null, heads, null, cacheHeadSize)
  const cross = float32(1, heads, null, headSize)
  return {
    inputs: {
      [input.tokens]: int64(null, null),
      [input.buckets]: int64(null, null),
      [input.lastPosition]: int32(null),
      [input.totalLength]: int32(1),
      ...ofLayers(layers, cache, textDecoder.pastKey, textDecoder.pastValue),
      ...ofLayers(layers, cross, textEncoder.crossKey, textEncoder.crossValue),
    },
    outputs: {
      [output.logits]: float32(1, null, vocabulary),
      ...ofLayers(layers, cache, textDecoder.presentKey, textDecoder.presentValue),
    },
  }
}

/** Keys and values of every layer, all of one sort. */
function ofLayers(
  count: number,
  tensor: TensorTreaty,
  key: (layer: number) => string,
  value: (layer: number) => string,
): Record<string, TensorTreaty> {
  const layers = Array.from({ length: count }, (_, layer) => [key(layer), value(layer)])
  return Object.fromEntries(layers.flat().map((name) => [name, tensor]))
}
