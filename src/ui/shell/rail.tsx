import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { NAMESPACES } from '../../messages/words.ts'
import { hashOf } from '../../state/route.ts'
import { ConversationList } from '../library/conversation-list.tsx'
import { useApp } from '../store-context.ts'
import { PLACES } from './places.tsx'

/** What can be gone to: a new conversation, other places where there are any, and everything that was said. */
export function Rail(): ReactElement {
  const { t } = useTranslation('shell')
  const begin = useApp((state) => state.newConversation)
  return (
    <div className="rail">
      <button type="button" onClick={begin}>
        {t('newConversation')}
      </button>
      {PLACES.length > 1 && <Places />}
      <ConversationList />
    </div>
  )
}

function Places(): ReactElement {
  const { t } = useTranslation(NAMESPACES)
  const here = useApp((state) => state.place)
  const currentId = useApp((state) => state.currentId)
  return (
    <nav aria-label={t('shell:places')}>
      {PLACES.map(({ name, label }) => (
        <a
          key={name}
          href={hashOf(name === 'talk' ? { place: 'talk', conversation: currentId } : { place: name })}
          aria-current={name === here ? 'page' : undefined}
        >
          {t(label)}
        </a>
      ))}
    </nav>
  )
}
