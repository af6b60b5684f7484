/** A conversation as text for people. */
import { answerText, shownTurns, titleOf, type Conversation } from './conversation.ts'

/** The path that is shown, as Markdown. */
export function toMarkdown(conversation: Conversation): string {
  const { pictures } = conversation
  const lines = [`# ${oneLine(titleOf(conversation))}`, '']
  for (const turn of shownTurns(conversation)) {
    if (turn.question !== null) lines.push(`**${escaped(turn.question)}**`, '')
    for (const { id, name } of pictures) {
      const answer = escaped(answerText(turn.answers[id]) || '(no answer)')
      lines.push(pictures.length > 1 ? `- ${escaped(name)}: ${answer}` : answer)
    }
    lines.push('')
  }
  return lines.join('\n')
}

function oneLine(text: string): string {
  return escaped(text).replace(/\s+/g, ' ')
}

/** What Markdown would read as its own. */
function escaped(text: string): string {
  return text.replace(/[\\`*_[\]<>#|]/g, '\\$&')
}
