/** How an answer is decoded. Names and meanings are those of transformers' `GenerationConfig` (blip2.md 4.5, 4.6). */
export interface DecodingSettings {
  /** Beams of beam search; 1 searches greedily or samples. */
  beams: number
  /** Beam scores are divided by (length ^ penalty): above 0 favours long answers, below 0 short ones. */
  lengthPenalty: number
  /** Null chooses the best token; a number samples. */
  sampling: Sampling | null
  /** Above 1 makes tokens that are already there, prompt included, less likely. */
  repetitionPenalty: number
  /** No n-gram of this size occurs twice; 0 allows all. */
  noRepeatNgram: number
  /** The answer does not end before this many tokens. */
  minNewTokens: number
  maxNewTokens: number
  /** How many answers to return: the best beams, or as many samples. */
  answers: number
}

export interface Sampling {
  /** Above 0; logits are divided by it. */
  temperature: number
  /** Only the k likeliest tokens; 0 allows all. */
  topK: number
  /** Only the likeliest tokens whose probabilities reach this sum together; 1 allows all. */
  topP: number
  /** The same seed gives the same answer from the same logits. */
  seed: number
}

/** transformers' defaults, but for the length: 30 new tokens as in LAVIS's captioning. */
export const GREEDY: DecodingSettings = {
  beams: 1,
  lengthPenalty: 1,
  sampling: null,
  repetitionPenalty: 1,
  noRepeatNgram: 0,
  minNewTokens: 0,
  maxNewTokens: 30,
  answers: 1,
}

/** The sentence that says what is wrong with settings, or null. */
export function decodingProblem(settings: DecodingSettings): string | null {
  const { beams, lengthPenalty, sampling, repetitionPenalty, answers } = settings
  const whole = (value: number, low: number, high: number): boolean =>
    Number.isInteger(value) && value >= low && value <= high
  if (!whole(beams, 1, 16)) return 'Beams must be a whole number from 1 to 16.'
  if (!whole(answers, 1, 16)) return 'The number of answers must be a whole number from 1 to 16.'
  if (!Number.isFinite(lengthPenalty)) return 'The length penalty must be a number.'
  if (!(repetitionPenalty > 0 && Number.isFinite(repetitionPenalty)))
    return 'The repetition penalty must be a number above 0.'
  if (!whole(settings.noRepeatNgram, 0, 1000)) return 'The n-gram size must be a whole number from 0.'
  if (!whole(settings.maxNewTokens, 1, 4096)) return 'The longest answer must be 1 to 4096 tokens.'
  if (!whole(settings.minNewTokens, 0, settings.maxNewTokens))
    return 'The shortest answer must be a whole number not above the longest.'
  if (sampling !== null && beams > 1)
    return 'Choose either beam search or sampling: with several beams nothing is sampled.'
  if (sampling === null && answers > beams)
    return 'Several answers need sampling, or at least as many beams as answers.'
  return sampling === null ? null : samplingProblem(sampling)
}

function samplingProblem({ temperature, topK, topP, seed }: Sampling): string | null {
  if (!(temperature > 0 && Number.isFinite(temperature))) return 'The temperature must be a number above 0.'
  if (!(Number.isInteger(topK) && topK >= 0)) return 'Top-k must be a whole number from 0.'
  if (!(topP > 0 && topP <= 1)) return 'Top-p must be above 0 and at most 1.'
  if (!Number.isInteger(seed)) return 'The seed must be a whole number.'
  return null
}
