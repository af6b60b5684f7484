/**
 * What has to be known of each part of a model to run it: dimensions and, of language models, the ids that mean
 * something. A kind of part is a schema, from which its type follows, with the rules that its numbers keep among
 * themselves, and how many weights it has at least: no manifest can ask for more memory than it has bytes to fill.
 */
import { is, type GenericSchema, type InferOutput } from 'valibot'
import { amount, fields, list, optional, ruled, whole, type Demand } from './schema.ts'

export interface PartKind<Shape> {
  schema: GenericSchema<Shape>
  /** Numbers that a part of this shape consists of, at the least; 0 for what is no such shape. */
  leastWeights(shape: unknown): number
}

/** `rules` name the fields that they find wrong. */
/* @__NO_SIDE_EFFECTS__ */
function partKind<Shape>(
  dimensions: GenericSchema<Shape>,
  rules: (shape: Shape, demand: Demand) => void,
  leastWeights: (shape: Shape) => number,
): PartKind<Shape> {
  const schema = ruled(dimensions, rules)
  return { schema, leastWeights: (shape) => (is(schema, shape) ? leastWeights(shape) : 0) }
}

/** Of a hidden state or an intermediate one: far above every published model. */
const MAX_SIZE = 2 ** 17
const MAX_LAYERS = 1024
/** Pixels are made before anything is read, so their number is bounded by itself. */
export const MAX_IMAGE_SIZE = 4096
const MAX_ROWS = 2 ** 20
const MAX_IDS = 64
/** Likenesses are at most 1, so that anything above makes all alike; LAVIS begins at 0.07. */
export const MOST_TEMPERATURE = 100

const size = whole(1, MAX_SIZE)
const layers = whole(1, MAX_LAYERS)
const rows = whole(1, MAX_ROWS)
const tokenId = whole(0, MAX_ROWS - 1)

/** Pixels → image features [1, tokens, hidden]. */
export const visionKind = partKind(
  fields({
    imageSize: whole(1, MAX_IMAGE_SIZE),
    patchSize: whole(1, MAX_IMAGE_SIZE),
    hiddenSize: size,
    layers,
    heads: size,
    /** One class token and a square of patches. */
    tokens: rows,
  }),
  ({ imageSize, patchSize, hiddenSize, heads, tokens }, demand) => {
    demand(patchSize <= imageSize, 'patchSize', `must not be larger than the image size, ${imageSize}`)
    // Pixels behind the last whole patch are not looked at.
    const expected = Math.floor(imageSize / patchSize) ** 2 + 1
    demand(tokens === expected, 'tokens', `must be ${expected} for that image and patch size`)
    headsDivide(hiddenSize, heads, demand)
  },
  ({ hiddenSize, patchSize, layers: count, tokens }) =>
    hiddenSize * (3 * patchSize ** 2 + tokens) + attentionWeights(hiddenSize, count),
)
export type VisionShape = InferOutput<typeof visionKind.schema>

/** Image features → query embeddings [1, queries, embedding size]. */
export const qFormerKind = partKind(
  fields({
    /** Learned queries: as many embeddings come out. */
    queries: rows,
    hiddenSize: size,
    layers,
    heads: size,
    /** Width of the query embeddings, which is the language model's. */
    embeddingSize: size,
  }),
  ({ hiddenSize, heads }, demand) => headsDivide(hiddenSize, heads, demand),
  ({ queries, hiddenSize, layers: count, embeddingSize }) =>
    hiddenSize * (queries + embeddingSize) + attentionWeights(hiddenSize, count),
)
export type QFormerShape = InferOutput<typeof qFormerKind.schema>

/** Image features and texts → what compares them; queries and text rows share self-attention and have a feed-forward each. */
export const textQFormerKind = partKind(
  fields({
    /** Learned queries: as many vectors does a picture have. */
    queries: rows,
    hiddenSize: size,
    layers,
    heads: size,
    /** Every how many-th layer looks at the picture, from layer 0 on (config `cross_attention_frequency`). */
    crossAttentionEvery: layers,
    /** Width of the vectors by which pictures and texts are compared (config `image_text_hidden_size`). */
    projectionSize: size,
    vocabulary: rows,
    /** The longest text in tokens, what stands around it included. */
    positions: rows,
    /** What training ended at dividing likenesses by (LAVIS `temp`); left out where the checkpoint does not say. */
    temperature: optional(amount(MOST_TEMPERATURE)),
  }),
  ({ hiddenSize, heads }, demand) => headsDivide(hiddenSize, heads, demand),
  ({ queries, hiddenSize, layers: count, projectionSize, vocabulary, positions }) =>
    hiddenSize * (queries + 2 * projectionSize + vocabulary + positions) +
    attentionWeights(hiddenSize, count),
)
export type TextQFormerShape = InferOutput<typeof textQFormerKind.schema>

/** How many layers of a Q-Former look at the picture. */
export function crossLayersOf({ layers: count, crossAttentionEvery }: TextQFormerShape): number {
  return Math.ceil(count / crossAttentionEvery)
}

/** Where the queries of a Q-Former look: a graph over the weights of that one. */
export const crossAttentionKind = partKind(
  fields({
    queries: rows,
    hiddenSize: size,
    /** Those that look at the picture. */
    layers,
    heads: size,
  }),
  ({ hiddenSize, heads }, demand) => headsDivide(hiddenSize, heads, demand),
  () => 0,
)
export type CrossAttentionShape = InferOutput<typeof crossAttentionKind.schema>

/** The last step of writing with a Q-Former: rows of text → scores of words, over the weights of that Q-Former. */
export const wordHeadKind = partKind(
  fields({
    hiddenSize: size,
    vocabulary: rows,
    /** What a caption is begun with, `[DEC]`, and no part of it. */
    startId: tokenId,
  }),
  ({ startId, vocabulary }, demand) => inVocabulary([startId], 'startId', vocabulary, demand),
  ({ hiddenSize }) => hiddenSize ** 2,
)
export type WordHeadShape = InferOutput<typeof wordHeadKind.schema>

/** A second norm over the class token of a vision encoder, over the weights of that encoder: transformers' pooled output. */
export const pooledClassKind = partKind(
  fields({ hiddenSize: size }),
  () => undefined,
  () => 0,
)
export type PooledClassShape = InferOutput<typeof pooledClassKind.schema>

/** A text by itself through a decoder-only language model, without a picture and a cache, over the weights of that model. */
export const textStatesKind = partKind(
  fields({ hiddenSize: size, layers, heads: size, vocabulary: rows, positions: rows }),
  ({ hiddenSize, heads }, demand) => headsDivide(hiddenSize, heads, demand),
  () => 0,
)
export type TextStatesShape = InferOutput<typeof textStatesKind.schema>

/** A decoder-only language model over a KV cache, in which query embeddings stand before the tokens. */
export const decoderKind = partKind(
  fields({
    /** Query embeddings that stand before the tokens. */
    queries: rows,
    hiddenSize: size,
    layers,
    heads: size,
    headSize: size,
    /** Head size in the KV cache: filled up to a multiple of 8. */
    cacheHeadSize: size,
    /** Rows of the embedding, padding rows included. */
    vocabulary: rows,
    /** The longest sequence, query embeddings included (config `max_position_embeddings`). */
    positions: rows,
    bosId: tokenId,
    /** Ids that end an answer: for OPT the newline (config `text_config.eos_token_id`), never dropped silently. */
    eosIds: list(tokenId, 1, MAX_IDS),
    /** The id that stands for each query embedding where ids are counted (config `image_token_index`); empty in the old layout. */
    imageTokenIds: list(tokenId, 0, MAX_IDS),
    padId: tokenId,
  }),
  (shape, demand) => {
    const { hiddenSize, heads, headSize, cacheHeadSize, queries, positions, vocabulary } = shape
    demand(
      heads * headSize === hiddenSize,
      'heads',
      `and headSize must make up the hidden size, ${hiddenSize}`,
    )
    const filled = Math.ceil(headSize / 8) * 8
    demand(cacheHeadSize === filled, 'cacheHeadSize', `must be ${filled} for a head size of ${headSize}`)
    demand(queries < positions, 'positions', `leaves no room behind ${queries} query embeddings`)
    for (const field of ['bosId', 'padId'] as const) inVocabulary([shape[field]], field, vocabulary, demand)
    for (const field of ['eosIds', 'imageTokenIds'] as const) {
      inVocabulary(shape[field], field, vocabulary, demand)
      demand(new Set(shape[field]).size === shape[field].length, field, 'names an id twice')
    }
  },
  ({ hiddenSize, layers: count, vocabulary, positions }) =>
    hiddenSize * (vocabulary + positions) + attentionWeights(hiddenSize, count),
)
export type DecoderShape = InferOutput<typeof decoderKind.schema>

/** T5's relative positions: numbers of biases, and the distance from which on all positions share the last one. */
const relativePositions = { buckets: whole(4, 2 ** 10), maxDistance: rows }

function checkBuckets(shape: { buckets: number; maxDistance: number }, demand: Demand): void {
  demand(shape.buckets % 2 === 0, 'buckets', 'must be even')
  demand(shape.maxDistance > shape.buckets / 2, 'maxDistance', 'must be above half the number of buckets')
}

/** The encoder of an encoder–decoder: query embeddings and prompt → what the decoder's cross-attention looks at. */
export const textEncoderKind = partKind(
  fields({
    /** Query embeddings that stand before the tokens. */
    queries: rows,
    hiddenSize: size,
    layers,
    heads: size,
    /** Heads × head size need not be the hidden size. */
    headSize: size,
    vocabulary: rows,
    ...relativePositions,
    /** Layers of the decoder, for each of which there are keys and values. */
    crossLayers: layers,
    /** Stands behind every prompt. */
    endId: tokenId,
  }),
  (shape, demand) => {
    checkBuckets(shape, demand)
    inVocabulary([shape.endId], 'endId', shape.vocabulary, demand)
  },
  // The embedding is the decoder's, too, and counted there.
  ({ hiddenSize, layers: count, heads, headSize, crossLayers }) =>
    hiddenSize * heads * headSize * (4 * count + 2 * crossLayers),
)
export type TextEncoderShape = InferOutput<typeof textEncoderKind.schema>

/** The decoder of an encoder–decoder: tokens of the answer over a KV cache of their own. */
export const textDecoderKind = partKind(
  fields({
    hiddenSize: size,
    layers,
    heads: size,
    headSize: size,
    /** Head size in the KV cache: filled up to a multiple of 8. */
    cacheHeadSize: size,
    /** Rows of the embedding, padding rows included. */
    vocabulary: rows,
    ...relativePositions,
    /** What an answer is begun with, and no part of it. */
    startId: tokenId,
    /** Ids that end an answer. */
    eosIds: list(tokenId, 1, MAX_IDS),
    padId: tokenId,
  }),
  (shape, demand) => {
    const { headSize, cacheHeadSize, vocabulary, eosIds } = shape
    checkBuckets(shape, demand)
    const filled = Math.ceil(headSize / 8) * 8
    demand(cacheHeadSize === filled, 'cacheHeadSize', `must be ${filled} for a head size of ${headSize}`)
    for (const field of ['startId', 'padId'] as const) inVocabulary([shape[field]], field, vocabulary, demand)
    inVocabulary(eosIds, 'eosIds', vocabulary, demand)
    demand(new Set(eosIds).size === eosIds.length, 'eosIds', 'names an id twice')
  },
  ({ hiddenSize, layers: count, heads, headSize, vocabulary }) =>
    hiddenSize * (vocabulary + 6 * count * heads * headSize),
)
export type TextDecoderShape = InferOutput<typeof textDecoderKind.schema>

function headsDivide(hiddenSize: number, heads: number, demand: Demand): void {
  demand(hiddenSize % heads === 0, 'heads', `do not divide the hidden size, ${hiddenSize}`)
}

function inVocabulary(ids: readonly number[], field: string, vocabulary: number, demand: Demand): void {
  const inside = ids.every((id) => id < vocabulary)
  demand(inside, field, `names an id outside the vocabulary of ${vocabulary} rows`)
}

/** Query, key, value and output projection of each layer. */
function attentionWeights(hiddenSize: number, count: number): number {
  return 4 * count * hiddenSize ** 2
}
