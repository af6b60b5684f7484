/**
 * What the last norm of a vision encoder makes of a picture, before gain and bias: the same for all models over one frozen
 * tower, so that a picture that one of them looked at need not be looked at by another.
 */
export interface TowerStates {
  /** Which tower, on which sort of processor: equal keys, equal states. */
  tower: string
  /** [tokens, width], of each token the mean 0 and the variance 1 */
  values: Float32Array<ArrayBuffer>
}
