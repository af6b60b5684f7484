/** Finding a conversation by words that were said in it. */
import { answerText, namesOf, titleOf, type Conversation, type Turn } from './conversation.ts'

/** Turns never change, so what is searched in them is made once. */
const searched = new WeakMap<Turn, string>()

function searchedText(turn: Turn): string {
  const known = searched.get(turn)
  if (known !== undefined) return known
  const said = [turn.question ?? '', ...Object.values(turn.answers).map(answerText)]
  const text = said.join('\n').toLowerCase()
  searched.set(turn, text)
  return text
}

/** Whether every word was asked or answered somewhere in the conversation, or is in its title or the names of its pictures. */
export function contains(conversation: Conversation, words: string): boolean {
  const wanted = words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  if (wanted.length === 0) return true
  const title = `${titleOf(conversation)}\n${namesOf(conversation)}`.toLowerCase()
  return wanted.every(
    (word) => title.includes(word) || conversation.turns.some((turn) => searchedText(turn).includes(word)),
  )
}
