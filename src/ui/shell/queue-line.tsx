import { useMemo, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { waitingOf } from '../../state/answering.ts'
import { isWritingHere } from '../../state/under-way.ts'
import { IconButton } from '../parts/icon-button.tsx'
import { useApp } from '../store-context.ts'

/** What this page is at work on, how much waits behind it, and the way to stop it; nothing while nothing runs. */
export function QueueLine(): ReactElement | null {
  const { t } = useTranslation('shell')
  const isWriting = useApp(isWritingHere)
  const tab = useApp((state) => state.tab)
  const conversations = useApp((state) => state.conversations)
  const waiting = useMemo(() => waitingOf(conversations, tab) - 1, [conversations, tab])
  const stop = useApp((state) => state.stop)
  if (!isWriting) return null
  return (
    <div className="queue-line">
      <span>
        {t('queue.writing')}
        {waiting > 0 && ` · ${t('queue.waiting', { count: waiting })}`}
      </span>
      <IconButton icon="stop" label={t('queue.stop')} onClick={stop} />
    </div>
  )
}
