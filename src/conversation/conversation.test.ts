import { expect, it } from 'vitest'
import { shownTurns, type Conversation, type Turn } from './conversation.ts'

/** A conversation without branches, and how often it was asked what a turn of it follows. */
function counted(count: number): { conversation: Conversation; reads: () => number } {
  let reads = 0
  const turnOf = (i: number): Turn => ({
    id: `${i}`,
    get parent() {
      reads += 1
      return i === 0 ? null : `${i - 1}`
    },
    question: i === 0 ? null : 'why?',
    answers: {},
  })
  const turns = Array.from({ length: count }, (_, i) => turnOf(i))
  return { conversation: { id: 'long', changedAt: 1, pictures: [], turns, chosen: {} }, reads: () => reads }
}

it('The turns that are shown are found in as many steps as there are turns', () => {
  const { conversation, reads } = counted(10_000)
  expect(shownTurns(conversation)).toHaveLength(10_000)
  expect(reads()).toBeLessThanOrEqual(2 * 10_000)
  expect(shownTurns(conversation)).toHaveLength(10_000)
  expect(reads()).toBeLessThanOrEqual(2 * 10_000)
})
