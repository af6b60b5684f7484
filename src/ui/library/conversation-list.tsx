import { memo, useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { namesOf, titleOf, type Conversation } from '../../conversation/conversation.ts'
import { contains } from '../../conversation/search.ts'
import { hashOf } from '../../state/route.ts'
import { IconButton } from '../parts/icon-button.tsx'
import { useFocusBack } from '../parts/use-focus-back.ts'
import { Windowed } from '../parts/windowed.tsx'
import { PictureView } from '../picture/picture.tsx'
import { useApp } from '../store-context.ts'
import { RenameForm } from './rename-form.tsx'
import { Title } from './title.tsx'
import { ExchangePanel } from './exchange-panel.tsx'

const CONVERSATIONS_IN_BLOCK = 50
const ITEM_PIXELS = 44
/** Fewer are found by looking. */
const WORTH_SEARCHING = 4

/** All conversations that are kept on this device, to be found, opened, renamed, deleted, carried away and brought back. */
export function ConversationList(): ReactElement {
  const { t } = useTranslation('shell')
  const conversations = useApp((state) => state.conversations)
  const [words, setWords] = useState('')
  const found = useMemo(
    () => conversations.filter((conversation) => contains(conversation, words)),
    [conversations, words],
  )
  return (
    <nav aria-label={t('list.name')} className="library">
      {conversations.length >= WORTH_SEARCHING && (
        <input
          type="search"
          data-search
          aria-label={t('list.search')}
          placeholder={t('list.search')}
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
      )}
      <div className="library-list">
        <Windowed
          key={words}
          count={found.length}
          blockLength={CONVERSATIONS_IN_BLOCK}
          estimatedHeight={ITEM_PIXELS}
          begin="first"
          name={(from, to) => t('list.from', { from, to, count: found.length })}
        >
          {(from, to) => (
            <ul>
              {found.slice(from, to).map((conversation) => (
                <Item key={conversation.id} conversation={conversation} />
              ))}
            </ul>
          )}
        </Windowed>
        {found.length === 0 && <p className="hint">{words === '' ? t('list.none') : t('list.noneFound')}</p>}
      </div>
      <ExchangePanel />
    </nav>
  )
}

/** Drawn anew only when something in it has changed, however many there are. */
const Item = memo(function Item({ conversation }: { conversation: Conversation }): ReactElement {
  const { t } = useTranslation('shell')
  const isCurrent = useApp((state) => state.place === 'talk' && state.currentId === conversation.id)
  const remove = useApp((state) => state.deleteConversation)
  const closePanel = useApp((state) => state.closePanel)
  const [isRenaming, setRenaming] = useState(false)
  const edit = useFocusBack(isRenaming)
  const [picture] = conversation.pictures
  const title = titleOf(conversation)
  if (isRenaming)
    return (
      <li className="renaming">
        <RenameForm conversation={conversation} onEnd={() => setRenaming(false)} />
      </li>
    )
  return (
    <li className={isCurrent ? 'current' : ''}>
      <a
        className="open"
        href={hashOf({ place: 'talk', conversation: conversation.id })}
        aria-current={isCurrent ? 'page' : undefined}
        title={namesOf(conversation)}
        onClick={closePanel}
      >
        {picture !== undefined && <PictureView picture={picture} small />}
        <Title conversation={conversation} />
      </a>
      <span className="item-actions">
        <IconButton
          ref={edit}
          icon="edit"
          label={t('list.rename', { title })}
          onClick={() => setRenaming(true)}
        />
        <IconButton
          icon="remove"
          label={t('list.delete', { title })}
          onClick={() => remove(conversation.id)}
        />
      </span>
    </li>
  )
})
