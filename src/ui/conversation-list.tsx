import { useRef, useState, type ReactElement } from 'react'
import { contains, titleOf, type Conversation } from '../conversation/conversation.ts'
import { PictureView } from './picture.tsx'
import { useApp } from './store-context.ts'

/** All conversations that are kept on this device, to be found, opened, deleted, carried away and brought back. */
export function ConversationList(): ReactElement | null {
  const conversations = useApp((state) => state.conversations)
  const [words, setWords] = useState('')
  const found = conversations.filter((conversation) => contains(conversation, words))
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
        <ul>
          {found.map((conversation) => (
            <Item key={conversation.id} conversation={conversation} />
          ))}
        </ul>
        {found.length === 0 && (
          <p className="hint">{words === '' ? 'None yet.' : 'None with these words.'}</p>
        )}
        <Exchange />
      </details>
    </nav>
  )
}

function Item({ conversation }: { conversation: Conversation }): ReactElement {
  const currentId = useApp((state) => state.currentId)
  const open = useApp((state) => state.openConversation)
  const remove = useApp((state) => state.deleteConversation)
  const [picture] = conversation.pictures
  const title = titleOf(conversation)
  return (
    <li className={currentId === conversation.id ? 'current' : ''}>
      <button
        type="button"
        className="open"
        aria-current={currentId === conversation.id}
        onClick={() => open(conversation.id)}
      >
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
}

function Exchange(): ReactElement {
  const any = useApp((state) => state.conversations.length > 0)
  const currentId = useApp((state) => state.currentId)
  const exportAll = useApp((state) => state.exportAll)
  const exportMarkdown = useApp((state) => state.exportMarkdown)
  const importFile = useApp((state) => state.importFile)
  const input = useRef<HTMLInputElement>(null)
  return (
    <div className="actions">
      {any && (
        <button
          type="button"
          className="quiet"
          onClick={() => void exportAll().then((file) => save(file, 'pictalk-conversations.json'))}
        >
          Export all
        </button>
      )}
      {currentId !== null && (
        <button
          type="button"
          className="quiet"
          onClick={() => save(exportMarkdown(currentId), 'conversation.md')}
        >
          Save as Markdown
        </button>
      )}
      <button type="button" className="quiet" onClick={() => input.current?.click()}>
        Import
      </button>
      <input
        ref={input}
        type="file"
        accept="application/json,.json"
        hidden
        onChange={(event) => {
          const [file] = event.target.files ?? []
          if (file !== undefined) void importFile(file)
          event.target.value = ''
        }}
      />
    </div>
  )
}

/** Hands a file to the browser's downloads. */
function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
