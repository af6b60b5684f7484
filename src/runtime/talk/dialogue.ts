/** From turns to a prompt: BLIP-2's forms for OPT (paper section 4.1, LAVIS's chat notebook; blip2.md 4.2). */
import { AppError } from '../../pack/failure.ts'

export interface EarlierTurn {
  question: string
  answer: string
}

/** How one question is put; the answer follows it behind a space. */
export const QUESTION_TEMPLATE = 'Question: {question} Answer:'

/** Where the model begins to ask its own next question, its answer is over. */
export const NEXT_QUESTION = 'Question:'

/** The earlier turns and the new question as one text. Throws `bad-usage` for a template without `{question}`. */
export function dialoguePrompt(
  turns: readonly EarlierTurn[],
  question: string,
  template: string = QUESTION_TEMPLATE,
): string {
  if (!template.includes('{question}')) {
    throw new AppError('bad-usage', 'The question template has no {question}; say where the question goes.')
  }
  const asked = (text: string): string => template.split('{question}').join(text.trim()).trimEnd()
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
 * Tokens that are kept free for an answer before earlier turns are given up for it, however long it may become: answers
 * are seldom as long as people allow them to be, and a conversation is worth more than what would almost never be used.
 */
const ANSWER_BEFORE_HISTORY = 64

/** Tokens that an answer needs to say anything: what is kept free behind a question that stands alone. */
const SHORTEST_ROOM = 16

export interface PromptRoom {
  /** The longest answer that was asked for. */
  answerTokens: number
  /** Ids that a prompt may have before an answer of so many tokens. */
  promptRoom: (answerTokens: number) => number
}

/**
 * The history that leaves a prompt and an answer of some length within the context: the oldest turns go first. A history
 * may have thousands of turns, of which a few hundred fit, so it is tried from its end: what is read is a small multiple
 * of what fits. Throws `prompt-too-long` when the question alone does not fit; its details say how many tokens it has,
 * how many it may, and with which `answerTokens` at most it would fit as it is (0: with none).
 */
export function fitDialogue(
  turns: readonly EarlierTurn[],
  toIds: (turns: readonly EarlierTurn[]) => number[],
  { answerTokens, promptRoom }: PromptRoom,
): FittedPrompt {
  const room = promptRoom(Math.min(answerTokens, ANSWER_BEFORE_HISTORY))
  const step = turns.length > 2 * DROPPED_TOGETHER ? DROPPED_TOGETHER : 1
  const idsAfter = (losses: number): number[] => toIds(turns.slice(losses * step))
  let fitting = Math.ceil(turns.length / step)
  let ids = idsAfter(fitting)
  if (ids.length > room) return { ids: alone(ids, { answerTokens, promptRoom }), dropped: turns.length }
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

/** The ids of a question that stands alone, if some answer still fits behind them. */
function alone(ids: number[], { answerTokens, promptRoom }: PromptRoom): number[] {
  const tokens = ids.length
  const roomBefore = (answer: number): number => Math.max(0, promptRoom(answer))
  const wanted = Math.min(answerTokens, SHORTEST_ROOM)
  const allowed = roomBefore(wanted)
  if (tokens <= allowed) return ids
  let fitting = wanted - 1
  while (fitting > 0 && roomBefore(fitting) < tokens) fitting -= 1
  throw new AppError(
    'prompt-too-long',
    `The question is too long for this model (it has ${tokens} tokens, and ${allowed} are left for it); shorten it.`,
    { details: { tokens, allowed, answerTokens: fitting } },
  )
}
