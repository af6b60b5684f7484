/**
 * How much the page takes in at once. An import beyond these is refused with a sentence; what was said here is never
 * cut. The numbers are far above what people write by hand, and below what was measured to make a page slow.
 */
import { AppError } from '../pack/failure.ts'
import type { AnswerState, Conversation } from './conversation.ts'

export const LIMITS = {
  /** In one conversation. Twice the 5,000 with which opening and asking were measured to be as quick as with 50. */
  turns: 10_000,
  /** Conversations that are kept here; all are in memory, without their pictures. */
  conversations: 10_000,
  /** Turns of all conversations that are kept here: about 1 kB each in memory. */
  allTurns: 200_000,
  /** Compared in one conversation; each turn has an answer for each. */
  pictures: 1_000,
  /** Characters of a question or an answer: 25 times what the longest context (2,048 tokens) can hold. */
  text: 200_000,
  /** Token ids of one answer; no context is longer than 2,048. */
  tokens: 10_000,
  /** Answers side by side for one question: beams or samples. */
  alternatives: 100,
  /** One picture's file. A decoded picture may have 2^28 pixels, and no format takes more than 4 bytes for one. */
  pictureBytes: 2 ** 30,
  /** JSON of one conversation, and of all in a file: each is text in memory while it is read. */
  conversationBytes: 64 * 2 ** 20,
  allConversationBytes: 256 * 2 ** 20,
  /** JSON with its pictures in Base64, which is read whole: browsers make no longer text, so none was written. */
  jsonFileBytes: 2 ** 29,
} as const

/** Throws `bad-file` when a conversation is larger than the page takes in. */
export function checkSize(conversation: Conversation): void {
  const { turns, pictures } = conversation
  atMost(turns.length, LIMITS.turns, 'turns in one conversation')
  atMost(pictures.length, LIMITS.pictures, 'pictures in one conversation')
  for (const { question, answers } of turns) {
    atMost(question?.length ?? 0, LIMITS.text, 'characters in one question')
    for (const answer of Object.values(answers)) checkAnswer(answer)
  }
}

/** Throws `bad-file` when `count` is above `most`; `what` goes on with "of 10,000 …". */
export function atMost(count: number, most: number, what: string): void {
  if (count <= most) return
  const [has, takes] = [count, most].map((number) => number.toLocaleString('en'))
  throw new AppError(
    'bad-file',
    `This file has ${has} ${what}, and ${takes} are the most that can be taken in; nothing of it was added.`,
  )
}

function checkAnswer(answer: AnswerState): void {
  if (!('text' in answer)) return
  atMost(answer.text.length, LIMITS.text, 'characters in one answer')
  if (answer.status !== 'done') return
  atMost(answer.answers.length, LIMITS.alternatives, 'answers to one question')
  for (const { text, tokenIds } of [answer, ...answer.answers]) {
    atMost(text.length, LIMITS.text, 'characters in one answer')
    atMost(tokenIds.length, LIMITS.tokens, 'tokens in one answer')
  }
}
