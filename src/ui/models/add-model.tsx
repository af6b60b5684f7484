import { useEffect, useRef, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { AddProgress, KeptModel } from '../../protocol/keeper-calls.ts'
import { Notice } from '../parts/notice.tsx'
import { useApp } from '../store-context.ts'
import { AskForModel } from './ask-for-model.tsx'
import { OfferCard } from './offer-card.tsx'
import { ProgressBars } from './progress-bars.tsx'

/** From an address or files to a kept model: ask, show what it means, fetch, done. */
export function AddModel(): ReactElement {
  const box = useRef<HTMLDivElement>(null)
  const status = useApp((state) => state.adding.status)
  useEffect(() => {
    // It may have been asked for elsewhere on the page; then it is what people want to see.
    if (status !== 'idle') box.current?.scrollIntoView({ block: 'nearest' })
  }, [status])
  return (
    <div ref={box} className="adding">
      <Stage />
    </div>
  )
}

function Stage(): ReactElement {
  const { t } = useTranslation(['models', 'shell'])
  const adding = useApp((state) => state.adding)
  const start = useApp((state) => state.startAdding)
  const pause = useApp((state) => state.pauseAdding)
  const cancel = useApp((state) => state.cancelAdding)
  switch (adding.status) {
    case 'idle':
      return <AskForModel />
    case 'finding':
      return (
        <div className="actions">
          <p>{t('models:add.looking')}</p>
          <button type="button" onClick={() => void cancel(false)}>
            {t('shell:cancel')}
          </button>
        </div>
      )
    case 'offered':
      return <OfferCard offer={adding.offer} />
    case 'running':
      return (
        <>
          {adding.progress === null ? (
            <p>{t('models:add.starting')}</p>
          ) : (
            <ProgressBars progress={adding.progress} />
          )}
          <div className="actions">
            <button type="button" onClick={pause}>
              {t('models:add.pause')}
            </button>
            <Discard progress={adding.progress} />
          </div>
        </>
      )
    case 'paused':
      return (
        <>
          <Paused progress={adding.progress} />
          <div className="actions">
            <button type="button" className="primary" onClick={() => void start()}>
              {t('models:add.resume')}
            </button>
            <Discard progress={adding.progress} />
          </div>
        </>
      )
    case 'failed':
      return (
        <>
          <Notice
            failure={adding.failure}
            {...(adding.offer !== null && {
              action: t('models:add.resume'),
              onAction: () => void start(),
            })}
          />
          <AskForModel needsToken={adding.failure.code === 'forbidden'} />
        </>
      )
    case 'added':
      return (
        <>
          <Added {...adding.model} />
          <AskForModel />
        </>
      )
  }
}

function Added({ id, name, compares }: KeptModel): ReactElement {
  const { t } = useTranslation('models')
  const changeModel = useApp((state) => state.changeModel)
  const inUse = useApp((state) => state.settings.model === id)
  return (
    <div className="actions">
      <p>
        <strong>{name}</strong> {t('add.added')}
      </p>
      {!compares && !inUse && (
        <button
          type="button"
          className="primary"
          aria-label={t('add.useNamed', { name })}
          onClick={() => void changeModel(id)}
        >
          {t('add.use')}
        </button>
      )}
    </div>
  )
}

function Paused({ progress }: { progress: AddProgress | null }): ReactElement {
  const { t } = useTranslation('models')
  if (progress === null) return <p>{t('add.paused')}</p>
  return <p>{t('add.pausedAt', { done: progress.doneBytes, total: progress.totalBytes })}</p>
}

/** What has arrived may have taken hours, so it takes two clicks to let it go. */
function Discard({ progress }: { progress: AddProgress | null }): ReactElement {
  const { t } = useTranslation('models')
  const cancel = useApp((state) => state.cancelAdding)
  const [asked, setAsked] = useState(false)
  if (!asked) {
    return (
      <button type="button" className="quiet" onClick={() => setAsked(true)}>
        {t('add.discard')}
      </button>
    )
  }
  return (
    <>
      <button type="button" onClick={() => void cancel(true)}>
        {t('add.reallyDiscard', { size: progress?.doneBytes ?? 0 })}
      </button>
      <button type="button" className="quiet" data-first onClick={() => setAsked(false)}>
        {t('add.keepGoing')}
      </button>
    </>
  )
}
