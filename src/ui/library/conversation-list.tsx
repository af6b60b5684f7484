import { memo, useMemo, useState, type ReactElement } from 'react'
import { titleOf, type Conversation } from '../../conversation/conversation.ts'
import { contains } from '../../conversation/search.ts'
import { ExchangePanel } from './exchange-panel.tsx'
import { PictureView } from '../picture/picture.tsx'
import { useApp } from '../store-context.ts'
import { Windowed } from '../parts/windowed.tsx'

const CONVERSATIONS_IN_BLOCK = 50

/** All conversations that are kept on this device, to be found, opened, deleted, carried away and brought back. */
export function ConversationList(): ReactElement | null {
  const conversations = useApp((state) => state.conversations)
  const [words, setWords] = useState('')
  const found = useMemo(
    () => conversations.filter((conversation) => contains(conversation, words)),
    [conversations, words],
  )
  return (
    <nav aria-label="Conversations" className="library">
      <details open={!matchMedia('(max-width: 60rem)').matches}>
        <summary>Conversations ({conversations.length})</summary>
        {conversations.length > 3 && (
          <input
            type="search"
            aria-label="Search conversations"
            placeholder="Search"
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
        )}
        <Windowed
          key={words}
          count={found.length}
          blockLength={CONVERSATIONS_IN_BLOCK}
          estimatedHeight={52}
          begin="first"
          name="Conversations"
        >
          {(from, to) => (
            <ul>
              {found.slice(from, to).map((conversation) => (
                <Item key={conversation.id} conversation={conversation} />
              ))}
            </ul>
          )}
        </Windowed>
        {found.length === 0 && (
          <p className="hint">{words === '' ? 'None yet.' : 'None with these words.'}</p>
        )}
        <ExchangePanel />
      </details>
    </nav>
  )
}

/** Drawn anew only when something in it has changed, however many there are. */
const Item = memo(function Item({ conversation }: { conversation: Conversation }): ReactElement {
  const isCurrent = useApp((state) => state.currentId === conversation.id)
  const open = useApp((state) => state.openConversation)
  const remove = useApp((state) => state.deleteConversation)
  const [picture] = conversation.pictures
  const title = titleOf(conversation)
  return (
    <li className={isCurrent ? 'current' : ''}>
      <button type="button" className="open" aria-current={isCurrent} onClick={() => open(conversation.id)}>
        {picture !== undefined && <PictureView picture={picture} small />}
        <span>{title}</span>
      </button>
      <button
        type="button"
        className="link"
        aria-label={`Delete conversation ${title}`}
        onClick={() => {
          remove(conversation.id)
          document.querySelector<HTMLElement>('[data-after-removal]')?.focus()
        }}
      >
        ×
      </button>
    </li>
  )
})
