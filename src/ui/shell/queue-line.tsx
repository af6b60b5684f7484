import { useMemo, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { waitingOf } from '../../state/answering.ts'
import { hashOf } from '../../state/route.ts'
import { isWritingHere } from '../../state/under-way.ts'
import { IconButton } from '../parts/icon-button.tsx'
import { useApp } from '../store-context.ts'

/** What this page is at work on, how much waits behind it, and the way to stop it; nothing while nothing runs. */
export function QueueLine(): ReactElement | null {
  const { t } = useTranslation('shell')
  const isWriting = useApp(isWritingHere)
  // Not the run as a whole: its text changes with every word.
  const isCaptioning = useApp(({ studio }) => studio.run?.status === 'running')
  const done = useApp(({ studio }) => studio.run?.done ?? 0)
  const total = useApp(({ studio }) => studio.run?.total ?? 0)
  const tab = useApp((state) => state.tab)
  const conversations = useApp((state) => state.conversations)
  const answers = useMemo(() => waitingOf(conversations, tab), [conversations, tab])
  const stop = useApp((state) => state.stop)
  if (!isWriting && !isCaptioning) return null
  const waiting = isWriting ? answers - 1 : answers
  return (
    <>
      {isCaptioning && (
        <a className="queue-line" href={hashOf({ place: 'studio' })}>
          {t('queue.captioning', { done, total })}
          {!isWriting && waiting > 0 && ` · ${t('queue.waiting', { count: waiting })}`}
        </a>
      )}
      {isWriting && (
        <div className="queue-line">
          <span>
            {t('queue.writing')}
            {waiting > 0 && ` · ${t('queue.waiting', { count: waiting })}`}
          </span>
          <IconButton icon="stop" label={t('queue.stop')} onClick={stop} />
        </div>
      )}
    </>
  )
}
