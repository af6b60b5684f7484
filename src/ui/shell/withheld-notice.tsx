import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Say } from '../parts/say.tsx'
import { useApp } from '../store-context.ts'

/** What this browser does not let the page keep or have, until it was read. */
export function WithheldNotice(): ReactElement | null {
  const { t } = useTranslation('shell')
  const notes = useApp((state) => state.withheld)
  const dismiss = useApp((state) => state.dismissWithheld)
  if (notes.length === 0) return null
  return (
    <div className="notice" role="group" aria-label={t('notices.withheld')}>
      <div>
        {notes.map((note) => (
          <p key={note.key}>
            <Say saying={note} />
          </p>
        ))}
      </div>
      <button type="button" onClick={dismiss}>
        {t('allRight')}
      </button>
    </div>
  )
}
