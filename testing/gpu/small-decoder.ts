/** The shape of a decoder whose logits a test makes up: as small as the self-test of our kernels takes it. */
export const SMALL_DECODER = {
  queries: 2,
  hiddenSize: 4,
  layers: 1,
  heads: 1,
  headSize: 4,
  cacheHeadSize: 8,
  vocabulary: 64,
  positions: 64,
  bosId: 2,
  eosIds: [1],
  imageTokenIds: [],
  padId: 1,
}
