import { useRef, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { NAMESPACES } from '../../messages/words.ts'
import { hashOf } from '../../state/route.ts'
import { ConversationList } from '../library/conversation-list.tsx'
import { IconButton } from '../parts/icon-button.tsx'
import { Icon } from '../parts/icons.tsx'
import { useFocusInside } from '../parts/use-focus-inside.ts'
import { useApp } from '../store-context.ts'
import { ModelChip } from './model-chip.tsx'
import { Notices } from './notices.tsx'
import { PLACES } from './places.tsx'
import { QueueLine } from './queue-line.tsx'

/** What can be gone to: a new conversation, the places of the app, everything that was said, the model. */
export function Rail(): ReactElement {
  const { t } = useTranslation('shell')
  const begin = useApp((state) => state.newConversation)
  const openPanel = useApp((state) => state.openPanel)
  const close = useApp((state) => state.closePanel)
  const isOpen = useApp((state) => state.panel === 'rail')
  const rail = useRef<HTMLElement>(null)
  useFocusInside(rail, isOpen)
  return (
    <header ref={rail} className={isOpen ? 'rail is-open' : 'rail'} id="rail">
      <div className="rail-head">
        <span className="brand">pictalk</span>
        <IconButton
          icon="keyboard"
          label={t('shortcuts.open')}
          className="quiet-icon"
          onClick={() => openPanel('shortcuts')}
        />
        <IconButton icon="close" label={t('close')} className="when-narrow" onClick={close} data-first />
      </div>
      <button
        type="button"
        className="new-conversation"
        onClick={() => {
          begin()
          close()
        }}
      >
        <Icon name="compose" />
        {t('newConversation')}
      </button>
      <Places />
      <ConversationList />
      <div className="rail-foot">
        {isOpen && <Notices />}
        <QueueLine />
        <ModelChip />
      </div>
    </header>
  )
}

function Places(): ReactElement {
  const { t } = useTranslation(NAMESPACES)
  const here = useApp((state) => state.place)
  const currentId = useApp((state) => state.currentId)
  const close = useApp((state) => state.closePanel)
  return (
    <nav aria-label={t('shell:places')} className="places">
      {PLACES.filter(({ isAside }) => isAside !== true).map(({ name, label, icon }) => (
        <a
          key={name}
          href={hashOf(name === 'talk' ? { place: 'talk', conversation: currentId } : { place: name })}
          aria-current={name === here ? 'page' : undefined}
          onClick={close}
        >
          <Icon name={icon} />
          {t(label)}
        </a>
      ))}
    </nav>
  )
}
