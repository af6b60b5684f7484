import type { ReactElement } from 'react'
import { captionIn, titleOf, type Conversation } from '../../conversation/conversation.ts'

/** A conversation's title: people's own words in their direction, or a caption, which models write in English. */
export function Title({ conversation }: { conversation: Conversation }): ReactElement {
  const caption = conversation.title === undefined ? captionIn(conversation) : null
  return (
    <span dir="auto" {...(caption !== null && { lang: 'en' })}>
      {caption ?? titleOf(conversation)}
    </span>
  )
}
