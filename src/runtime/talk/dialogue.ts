/** From turns to a prompt: BLIP-2's forms for OPT (paper section 4.1, LAVIS's chat notebook; blip2.md 4.2). */
import { AppError } from '../../pack/failure.ts'

export interface Turn {
  question: string
  answer: string
}

/** How one question is put; the answer follows it behind a space. */
export const QUESTION_TEMPLATE = 'Question: {question} Answer:'

/** Where the model begins to ask its own next question, its answer is over. */
export const NEXT_QUESTION = 'Question:'

/** The earlier turns and the new question as one text. Throws `bad-usage` for a template without `{question}`. */
export function dialoguePrompt(
  turns: readonly Turn[],
  question: string,
  template: string = QUESTION_TEMPLATE,
): string {
  if (!template.includes('{question}')) {
    throw new AppError('bad-usage', 'The question template has no {question}; say where the question goes.')
  }
  const asked = (text: string): string => template.split('{question}').join(text.trim())
  const said = turns.map((turn) => `${asked(turn.question)} ${sentence(turn.answer)}`)
  return [...said, asked(question)].join(' ')
}

/** Earlier answers end in one full stop, whether or not the model wrote it. */
function sentence(answer: string): string {
  return `${answer.trim().replace(/\.+$/, '')}.`
}

/** The answer itself: without the question that the model would ask next, and without white space around it. */
export function answerText(text: string): string {
  return (text.split(NEXT_QUESTION)[0] ?? '').trim()
}

export interface FittedPrompt {
  ids: number[]
  /** Turns, oldest first, that had to be left out. */
  dropped: number
}

/**
 * A history of more turns than twice this loses so many at once: each loss changes the prompt from its beginning, so
 * that nothing of the KV cache fits any more, and that should not happen at every turn from then on.
 */
const DROPPED_TOGETHER = 4

/**
 * The history that leaves the prompt within `room` tokens: the oldest turns go first. A history may have thousands of
 * turns, of which a few hundred fit, so it is tried from its end: what is read is a small multiple of what fits. Throws
 * `prompt-too-long` when the question alone does not fit.
 */
export function fitDialogue(
  turns: readonly Turn[],
  toIds: (turns: readonly Turn[]) => number[],
  room: number,
): FittedPrompt {
  const step = turns.length > 2 * DROPPED_TOGETHER ? DROPPED_TOGETHER : 1
  const idsAfter = (losses: number): number[] => toIds(turns.slice(losses * step))
  let fitting = Math.ceil(turns.length / step)
  let ids = idsAfter(fitting)
  if (ids.length > room)
    throw new AppError(
      'prompt-too-long',
      `The question is too long for this model (${Math.max(0, room)} tokens are left for it); shorten it.`,
    )
  /** The most losses that are known to be too few. */
  let tooFew = -1
  const attempt = (losses: number): void => {
    const tried = idsAfter(losses)
    if (tried.length > room) tooFew = losses
    else {
      fitting = losses
      ids = tried
    }
  }
  for (let stride = 1; tooFew < 0 && fitting > 0; stride *= 2) attempt(Math.max(0, fitting - stride))
  while (fitting - tooFew > 1) attempt(Math.floor((fitting + tooFew) / 2))
  return { ids, dropped: Math.min(fitting * step, turns.length) }
}
