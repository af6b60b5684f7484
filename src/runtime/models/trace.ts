/** Every stage of one picture, prompt and answer, run once and read back: for comparison with reference values. */
import { AppError } from '../../pack/failure.ts'
import type { Pixels } from '../../image/pixels.ts'
import type { TracedTensor } from '../language/traced.ts'
import type { TalkingModel } from './model.ts'

/** `prompt` and `answer` are ids, the prompt's in the model's own form. */
export async function traceStages(
  { look, talk, features }: TalkingModel,
  pixels: Pixels,
  prompt: readonly number[],
  answer: readonly number[],
): Promise<TracedTensor[]> {
  const { seen, tensors } = await look.trace(pixels)
  tensors.push(...(await talk.trace(seen, prompt, answer)))
  if (features.pools) {
    const pooled = await features.pooledClass(tracedFloats(tensors, 'image_features'))
    tensors.push({ name: 'pooler_output', shape: [1, pooled.length], values: pooled })
  }
  if (features.readsTexts && prompt.length > 0) {
    const { states, tokens, hiddenSize, values } = await features.textStates(prompt)
    tensors.push({ name: 'text_hidden_states', shape: [states, tokens, hiddenSize], values })
  }
  if (answer.length === 0) return tensors
  const again = look.seenBefore(tracedFloats(tensors, 'query_embeddings'))
  const values = await talk.logProbabilities(again, prompt, answer)
  return [...tensors, { name: 'token_log_probabilities', shape: [answer.length], values }]
}

/** The values of one of them. */
export function tracedFloats(tensors: readonly TracedTensor[], name: string): Float32Array {
  const values = tensors.find((tensor) => tensor.name === name)?.values
  if (!(values instanceof Float32Array)) throw new AppError('bug', `No ${name} was traced.`)
  return values
}
