/** Names as transformers.js uses them: what weights are stored as, and for `f16` names what is computed in. */
export const PRECISIONS = ['fp32', 'fp16', 'q8', 'q4', 'q4f16'] as const

export type Precision = (typeof PRECISIONS)[number]
