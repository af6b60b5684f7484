import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { titleOf, type Conversation } from '../../conversation/conversation.ts'
import { currentConversation } from '../../state/library-slice.ts'
import { RenameForm } from '../library/rename-form.tsx'
import { Title } from '../library/title.tsx'
import { IconButton } from '../parts/icon-button.tsx'
import { useFocusBack } from '../parts/use-focus-back.ts'
import { useApp } from '../store-context.ts'

/** On narrow screens, where the rail is folded away: the way to it, what is shown, and a new conversation. */
export function TopBar(): ReactElement {
  const { t } = useTranslation('shell')
  const open = useApp((state) => state.openPanel)
  const isOpen = useApp((state) => state.panel === 'rail')
  const begin = useApp((state) => state.newConversation)
  const shown = useApp((state) => (state.place === 'talk' ? currentConversation(state) : undefined))
  return (
    <section className="top-bar" aria-label={t('shown')} inert={isOpen}>
      <IconButton
        icon="menu"
        label={t('openRail')}
        aria-expanded={isOpen}
        aria-controls="rail"
        onClick={() => open('rail')}
      />
      {shown === undefined ? (
        <span className="top-title">pictalk</span>
      ) : (
        <ShownTitle key={shown.id} conversation={shown} />
      )}
      <IconButton icon="compose" label={t('newConversation')} onClick={begin} />
    </section>
  )
}

/** What is shown, by the name that can be changed where it stands. */
function ShownTitle({ conversation }: { conversation: Conversation }): ReactElement {
  const { t } = useTranslation('shell')
  const [isRenaming, setRenaming] = useState(false)
  const button = useFocusBack(isRenaming)
  const title = titleOf(conversation)
  if (isRenaming) return <RenameForm conversation={conversation} onEnd={() => setRenaming(false)} />
  return (
    <button
      ref={button}
      type="button"
      className="top-title"
      aria-label={t('list.rename', { title })}
      onClick={() => setRenaming(true)}
    >
      <Title conversation={conversation} />
    </button>
  )
}
