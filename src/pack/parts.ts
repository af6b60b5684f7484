/**
 * The treaty between the converter, which writes the graphs, and the runtime, which feeds them. Neither imports the
 * other. `B` batch (beams), `S` rows of this run, `P` rows already in the KV cache, `R` rows whose logits are wanted.
 *
 * Tensors that cross between graphs are float32 whatever the graph computes in; only the KV cache has the graph's type.
 */
export const vision = {
  /** float32 [1, 3, size, size] → float32 [1, tokens, hidden], after the post-layernorm. */
  input: { pixels: 'pixel_values' },
  output: { features: 'image_features' },
  /** Names of that norm's weights in the graph, [hidden] each: what training changes of a tower. */
  lastNorm: { gain: 'vision_model.post_layernorm.weight', bias: 'vision_model.post_layernorm.bias' },
} as const

export const qFormer = {
  /** float32 [1, tokens, hidden] → float32 [1, queries, hidden] and, through the projection, [1, queries, text hidden]. */
  input: { features: 'image_features' },
  output: { queries: 'query_output', embeddings: 'query_embeddings' },
} as const

/**
 * A Q-Former with text: one graph for all that stage 1 computes. `N` pictures, `B` rows, each of them a picture's queries
 * and a text of `L` tokens; `S` is Q + L. What sees what is said by `mask` alone, which is the paper's way (its figure 2):
 * queries and text apart, both together, or text causal behind the queries.
 */
export const textQFormer = {
  input: {
    /** float32 [N, tokens, width] */
    features: 'image_features',
    /** int64 [B]: which of the pictures the queries of a row look at */
    pictures: 'picture_rows',
    /** int64 [B, L], L ≥ 1 */
    tokens: 'input_ids',
    /** float32 [1 or B, 1, S, S], added to the scores: 0 for what a row sees, `HIDDEN` for what it does not */
    mask: 'attention_bias',
  },
  output: {
    /** float32 [B, Q, hidden] */
    queries: 'query_output',
    /** float32 [B, Q, d], each of length 1 */
    imageVectors: 'image_embeds',
    /** float32 [B, L, hidden] */
    text: 'text_output',
    /** float32 [B, L, d], each of length 1 */
    textVectors: 'text_embeds',
    /** float32 [B, 2], mean over the queries: no match, match */
    match: 'match_logits',
  },
} as const

/** What a mask adds to hide something: no score is as far from 0, and no infinity comes of it. */
export const HIDDEN = -1e30

/** Inputs as `textQFormer`: where its queries look, a probability for each image token. */
export const crossAttention = {
  input: textQFormer.input,
  /** float32 [B, heads, Q, tokens], of each layer that looks at the picture, counted among those */
  output: (layer: number): string => `cross_attention.${layer}`,
} as const

/** Over the weights of `textQFormer`: what a row of its text says comes next. */
export const wordHead = {
  /** float32 [1, R, hidden], rows of `text_output` */
  input: { text: textQFormer.output.text },
  /** float32 [1, R, vocabulary] */
  output: { logits: 'logits' },
} as const

/** Over the weights of `vision`: its last norm once more, as transformers pools a picture. */
export const pooledClass = {
  /** float32 [1, hidden], the first row of `image_features` */
  input: { classToken: 'class_features' },
  /** float32 [1, hidden] */
  output: { pooled: 'pooler_output' },
} as const

/** Over the weights of `decoder`: a text of `T` tokens by itself. */
export const textStates = {
  input: {
    /** int64 [1, T] */
    tokens: 'input_ids',
    /** int64 [1, T]: positions plus OPT's offset of 2 */
    positions: 'position_ids',
    /** float32 [1, 1, T, T], added to the scores: 0 for what a token sees, `HIDDEN` for what comes behind it */
    mask: 'attention_bias',
  },
  output: {
    /** float32 [layers + 1, T, hidden]: what goes into each layer, and what comes out of the last norm */
    states: 'hidden_states',
  },
} as const

/**
 * One graph is prefill, continuation and one-token step alike. The query embeddings and the embedded tokens are
 * concatenated and `rows` picks among them: 0 … Q-1 are the queries, Q … the tokens. So a prefill takes
 * 0 … Q+T-1, a continuation or a step Q … only, and no tensor is ever empty.
 */
export const decoder = {
  input: {
    /** int64 [B, T], T ≥ 1 */
    tokens: 'input_ids',
    /** float32 [B, Q, hidden] */
    queries: 'query_embeddings',
    /** int64 [S]: which of the Q+T concatenated rows run */
    rows: 'rows',
    /** int64 [B, S]: absolute position plus OPT's offset of 2 (blip2.md 1.5) */
    positions: 'position_ids',
    /** int64 [R]: rows of this run, counted from 0, whose logits are computed */
    logitRows: 'logit_rows',
    /** int32 [B]: P + S - 1 */
    lastPosition: 'seqlens_k',
    /** int32 [1]: P + S */
    totalLength: 'total_sequence_length',
  },
  output: {
    /** float32 [B, R, vocabulary] */
    logits: 'logits',
  },
  /** [B, heads, P or capacity, head size] in the graph's type */
  pastKey: (layer: number): string => `past.${layer}.key`,
  pastValue: (layer: number): string => `past.${layer}.value`,
  presentKey: (layer: number): string => `present.${layer}.key`,
  presentValue: (layer: number): string => `present.${layer}.value`,
} as const

/** OPT's position table starts with two unused rows (transformers `OPTLearnedPositionalEmbedding.offset`). */
export const POSITION_OFFSET = 2

/**
 * The first half of an encoder–decoder (T5), once per prompt: query embeddings and the embedded prompt one behind the
 * other. `L` is Q + T. Besides the encoder's output, which only a look inside needs, it yields what every decoder
 * layer's cross-attention looks at.
 */
export const textEncoder = {
  input: {
    /** int64 [1, T], T ≥ 1: the prompt with its ending token */
    tokens: 'input_ids',
    /** float32 [1, Q, hidden] */
    queries: 'query_embeddings',
    /** int64 [L, L]: the bucket of each distance, rows are queries and columns keys */
    buckets: 'relative_buckets',
  },
  output: {
    /** float32 [1, L, hidden], after the final norm */
    hidden: 'encoder_output',
  },
  /** [1, heads, L, head size] in the graph's type, one of each for every layer of the decoder */
  crossKey: (layer: number): string => `cross.${layer}.key`,
  crossValue: (layer: number): string => `cross.${layer}.value`,
} as const

/**
 * The second half: some tokens of the answer behind those in the KV cache. Its cross-attention inputs have the names
 * and shapes of `textEncoder`'s outputs, and serve all rows of a batch alike.
 */
export const textDecoder = {
  input: {
    /** int64 [B, S]: tokens of the answer, the start token before them */
    tokens: 'input_ids',
    /** int64 [S, P + S]: the bucket of each distance; those of later keys are not looked at */
    buckets: 'relative_buckets',
    /** int32 [B]: P + S - 1 */
    lastPosition: 'seqlens_k',
    /** int32 [1]: P + S */
    totalLength: 'total_sequence_length',
  },
  output: {
    /** float32 [1, B · S, vocabulary] */
    logits: 'logits',
  },
  pastKey: decoder.pastKey,
  pastValue: decoder.pastValue,
  presentKey: decoder.presentKey,
  presentValue: decoder.presentValue,
} as const
