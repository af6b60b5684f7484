import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useChoosePictures } from '../taking/choosing.tsx'
import { Icon } from '../parts/icons.tsx'
import { usePasting } from '../taking/use-taking.ts'
import { ModelFailed } from '../parts/model-failed.tsx'
import { useApp } from '../store-context.ts'
import { Examples } from './examples.tsx'
import { PhotographCard } from './photograph-card.tsx'

/** Before anything was said: a place for pictures, and what is there to look at them. */
export function EmptyState(): ReactElement {
  const { t } = useTranslation(['talk', 'shell'])
  const builtIn = useApp((state) => state.settings.model === null)
  const openPanel = useApp((state) => state.openPanel)
  const choose = useChoosePictures()
  const paste = usePasting()
  return (
    <section className="empty-state">
      <h1>{t('talk:empty.heading')}</h1>
      <p className="tagline">{t('shell:tagline')}</p>
      <button type="button" className="drop-field" onClick={choose}>
        <Icon name="picture" />
        <span className="drop-words">{t('talk:empty.drop')}</span>
        <span className="drop-words by-touch">{t('talk:empty.choose')}</span>
        <span className="hint">{t('talk:empty.hint')}</span>
      </button>
      <div className="other-ways">
        <button type="button" className="quiet" onClick={() => openPanel('camera')}>
          <Icon name="camera" />
          {t('talk:empty.camera')}
        </button>
        <button type="button" className="quiet" onClick={() => openPanel('address')}>
          <Icon name="link" />
          {t('talk:empty.address')}
        </button>
        {paste !== null && (
          <button type="button" className="quiet" onClick={paste}>
            <Icon name="paste" />
            {t('talk:empty.paste')}
          </button>
        )}
      </div>
      {builtIn && (
        <div className="cards">
          <PracticeCard />
          <PhotographCard />
        </div>
      )}
    </section>
  )
}

function PracticeCard(): ReactElement {
  const { t } = useTranslation('talk')
  const status = useApp((state) => state.model.status)
  const heading =
    status === 'ready'
      ? t('empty.practice')
      : status === 'failed'
        ? t('empty.practiceFailed')
        : t('empty.practiceLoading')
  return (
    <section className="card">
      <h2>{heading}</h2>
      <p>{t('empty.practiceText')}</p>
      <ModelFailed />
      <Examples />
    </section>
  )
}
