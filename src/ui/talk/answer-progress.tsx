import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { UnderWay } from '../../state/under-way.ts'
import { useApp } from '../store-context.ts'

export function AnswerWaiting({ tab }: { tab: string }): ReactElement {
  const { t } = useTranslation('talk')
  const here = useApp((state) => state.tab)
  const model = useApp((state) => state.model.status)
  if (tab !== here) return <p className="stage">{t('answer.waitingElsewhere')}</p>
  return <p className="stage">{model === 'ready' ? t('answer.waitingTurn') : t('answer.waitingModel')}</p>
}

/** How far an answer is, on whichever page it is written. */
export function AnswerProgressLine({ underWay: { tab, progress } }: { underWay: UnderWay }): ReactElement {
  const { t } = useTranslation(['talk', 'models'])
  const here = useApp((state) => state.tab)
  const where = tab === here ? '' : ` ${t('talk:answer.elsewhere')}`
  switch (progress.stage) {
    case 'reading':
      return <p className="stage">{t('talk:answer.reading') + where}</p>
    case 'opening': {
      const part = t(`models:parts.${progress.graph}`)
      return <p className="stage">{t('talk:answer.opening', { part }) + where}</p>
    }
    case 'looking':
      return <p className="stage">{t('talk:answer.looking') + where}</p>
    case 'writing':
      return (
        <div className="words">
          <p className="caption writing" dir="auto" lang="en">
            {progress.text}
          </p>
          <p className="stage">{t('talk:answer.writing') + where}</p>
        </div>
      )
  }
}
