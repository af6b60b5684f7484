import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Picture } from '../../conversation/conversation.ts'
import { photographsAmong } from '../../state/photographs.ts'
import { useApp } from '../store-context.ts'

/** Says that the built-in model is out of its depth, and which model is not. Nothing with any other model. */
export function PhotographHint({ pictures }: { pictures: readonly Picture[] }): ReactElement | null {
  const { t } = useTranslation('talk')
  const model = useApp((state) => state.settings.model)
  const openPanel = useApp((state) => state.openPanel)
  const found = photographsAmong(pictures, { model }).length
  if (found === 0) return null
  return (
    <aside className="photograph-hint" aria-label={t('photograph.name')}>
      <p>
        {pictures.length === 1
          ? t('photograph.only')
          : found === pictures.length
            ? t('photograph.all')
            : t('photograph.some', { count: found })}{' '}
        {t('photograph.text')}
      </p>
      <button type="button" onClick={() => openPanel('models')}>
        {t('photograph.go')}
      </button>
    </aside>
  )
}
