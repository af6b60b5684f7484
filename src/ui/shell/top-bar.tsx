import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { titleOf } from '../../conversation/conversation.ts'
import { currentConversation } from '../../state/library-slice.ts'
import { IconButton } from '../parts/icon-button.tsx'
import { useApp } from '../store-context.ts'

/** On narrow screens, where the rail is folded away: the way to it, what is shown, and a new conversation. */
export function TopBar(): ReactElement {
  const { t } = useTranslation('shell')
  const open = useApp((state) => state.openPanel)
  const isOpen = useApp((state) => state.panel === 'rail')
  const begin = useApp((state) => state.newConversation)
  const title = useApp((state) => {
    const shown = currentConversation(state)
    return shown === undefined || state.place !== 'talk' ? 'pictalk' : titleOf(shown)
  })
  return (
    <section className="top-bar" aria-label={t('shown')} inert={isOpen}>
      <IconButton
        icon="menu"
        label={t('openRail')}
        aria-expanded={isOpen}
        aria-controls="rail"
        onClick={() => open('rail')}
      />
      <span className="top-title" dir="auto">
        {title}
      </span>
      <IconButton icon="compose" label={t('newConversation')} onClick={begin} />
    </section>
  )
}
