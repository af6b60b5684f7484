import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useApp } from '../store-context.ts'
import { Notice } from './notice.tsx'

/** Why there is no model, and another try; where something waits for it. */
export function ModelFailed(): ReactElement | null {
  const { t } = useTranslation('models')
  const model = useApp((state) => state.model)
  const loadModel = useApp((state) => state.loadModel)
  if (model.status !== 'failed') return null
  return <Notice failure={model.failure} action={t('loadAgain')} onAction={() => void loadModel()} />
}
