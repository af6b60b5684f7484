/** One value on the way from a picture to an answer, under the name that transformers' own value has in references. */
export interface TracedTensor {
  name: string
  shape: number[]
  values: Float32Array | BigInt64Array
}
