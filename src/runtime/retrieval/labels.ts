/** Zero-shot classes: labels become texts by a template, likeness becomes probabilities. */
import { AppError } from '../../pack/failure.ts'
import { classProbabilities, contrast } from './scores.ts'

/** Where a label goes in a template. */
const SLOT = '{}'

/** A label and how likely it is for a picture, by likeness alone. */
export interface LabelShare {
  label: string
  /** What the model read for it. */
  text: string
  itc: number
  probability: number
}

/**
 * The text of each label. Throws `bad-usage` for a template without a place for it, and for a label that is there twice:
 * the two would share what one of them is due.
 */
export function labelTexts(template: string, labels: readonly string[]): string[] {
  if (!template.includes(SLOT))
    throw new AppError('bad-usage', `The template has no ${SLOT} for the label, as in "a picture of {}".`)
  const twice = labels.find((label, i) => labels.some((other, j) => j < i && other.trim() === label.trim()))
  if (twice !== undefined)
    throw new AppError('bad-usage', `The label ${twice.trim()} is given twice; give each label once.`)
  return labels.map((label) => template.replaceAll(SLOT, () => label))
}

/** `picture` [Q, d]; `read` are the texts of the labels with their vectors, in the order of the labels. */
export function labelShares(
  picture: Float32Array,
  labels: readonly string[],
  read: readonly { text: string; vector: Float32Array }[],
  temperature: number,
): LabelShare[] {
  const itc = read.map(({ vector }) => contrast(picture, vector))
  const probabilities = classProbabilities(itc, temperature)
  return labels.map((label, i) => ({
    label,
    text: read[i]?.text ?? '',
    itc: itc[i] ?? NaN,
    probability: probabilities[i] ?? NaN,
  }))
}
