import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { ModelState } from '../../state/model-slice.ts'
import { useApp } from '../store-context.ts'

/** Which model there is and how far it is, in a few words; opens everything about models, device and settings. */
export function ModelChip(): ReactElement {
  const { t } = useTranslation('shell')
  const status = useStatus()
  const chosen = useApp((state) => state.settings.model)
  const kept = useApp((state) => state.kept)
  const state = useApp((state) => state.model.status)
  const isOpen = useApp((state) => state.panel === 'models')
  const open = useApp((state) => state.openPanel)
  const close = useApp((state) => state.closePanel)
  const name =
    chosen === null ? t('chip.practice') : (kept.find(({ id }) => id === chosen)?.name ?? t('chip.kept'))
  return (
    <button
      type="button"
      className={`model-chip is-${state}`}
      aria-expanded={isOpen}
      onClick={() => (isOpen ? close() : open('models'))}
    >
      <span className="visually-hidden">{t('chip.prefix')} </span>
      <span className="dot" aria-hidden="true" />
      <span className="chip-words">
        <span className="chip-name" dir="auto">
          {name}
        </span>
        <span className="visually-hidden"> · </span>
        <span className="chip-status">{status}</span>
      </span>
    </button>
  )
}

function useStatus(): string {
  const { t } = useTranslation('shell')
  const model = useApp((state) => state.model)
  const offlineReady = useApp((state) => state.offlineReady)
  switch (model.status) {
    case 'absent':
      return t('chip.starting')
    case 'loading': {
      const percent = percentOf(model)
      return percent === null ? t('chip.starting') : t('chip.loading', { percent })
    }
    case 'failed':
      return t('chip.failed')
    case 'ready':
      return offlineReady ? t('chip.offlineReady') : t('chip.ready')
  }
}

function percentOf({ progress }: ModelState & { status: 'loading' }): number | null {
  if (progress?.stage !== 'fetching') return null
  return Math.floor((100 * progress.doneBytes) / Math.max(1, progress.totalBytes))
}
