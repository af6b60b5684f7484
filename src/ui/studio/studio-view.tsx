/** The caption studio: a folder of pictures in, captions out, with correction in between. */
import { useId, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Notice } from '../parts/notice.tsx'
import { useApp } from '../store-context.ts'
import { PickingFields } from './picking.tsx'
import { Start } from './start.tsx'
import { Workbench } from './workbench.tsx'
import './studio.css'

export function StudioView(): ReactElement {
  const { t } = useTranslation('studio')
  const status = useApp((state) => state.studio.status)
  const failure = useApp((state) => state.studio.failure)
  const dismiss = useApp((state) => state.studioActions.dismissFailure)
  const heading = useId()
  return (
    <section className="studio" aria-labelledby={heading}>
      <h2 id={heading}>{t('title')}</h2>
      {failure !== null && (
        <div role="alert">
          <Notice failure={failure} action={t('dismiss')} onAction={dismiss} />
        </div>
      )}
      <PickingFields>
        {status === 'closed' && <Start />}
        {(status === 'listing' || status === 'reading') && <Opening />}
        {status === 'open' && <Workbench />}
      </PickingFields>
    </section>
  )
}

function Opening(): ReactElement {
  const { t } = useTranslation('studio')
  const opening = useApp((state) => state.studio.opening)
  const status = useApp((state) => state.studio.status)
  const cancel = useApp((state) => state.studioActions.cancel)
  const { done, total } = opening ?? { done: 0, total: 0 }
  const label = status === 'listing' ? t('listing', { count: done }) : t('reading', { done, total })
  return (
    <div className="loading">
      <span>{label}</span>
      {status === 'reading' ? (
        <progress aria-label={t('readingCaptions')} value={done} max={Math.max(1, total)} />
      ) : (
        <progress aria-label={t('listingFiles')} />
      )}
      <div className="actions">
        <button type="button" onClick={() => cancel('opening')}>
          {t('cancel')}
        </button>
      </div>
    </div>
  )
}
