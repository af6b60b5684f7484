import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { KnownModel } from '../../state/catalogue.ts'
import { useApp } from '../store-context.ts'

/** What a model for photographs would cost, before anything of it is fetched; or the one that is kept already. */
export function PhotographCard(): ReactElement | null {
  const { t } = useTranslation('talk')
  const kept = useApp((state) => state.kept.find(({ complete, compares }) => complete && !compares))
  const known = useApp((state) => state.catalogue.models[0])
  const changeModel = useApp((state) => state.changeModel)
  if (kept !== undefined) {
    return (
      <section className="card">
        <h2>{t('empty.photographsKept', { name: kept.name })}</h2>
        <p>{t('empty.photographsText')}</p>
        <div className="actions">
          <button type="button" className="primary" onClick={() => void changeModel(kept.id)}>
            {t('empty.useKept')}
          </button>
        </div>
      </section>
    )
  }
  return (
    <section className="card">
      <h2>{t('empty.photographs')}</h2>
      <p>{t('empty.photographsText')}</p>
      {known !== undefined && (
        <p className="hint" lang="en">
          {known.note}
        </p>
      )}
      <Offer known={known} />
    </section>
  )
}

function Offer({ known }: { known: KnownModel | undefined }): ReactElement {
  const { t } = useTranslation('talk')
  const openPanel = useApp((state) => state.openPanel)
  const requestOffer = useApp((state) => state.requestOffer)
  return (
    <div className="actions">
      {known !== undefined && (
        <button
          type="button"
          className="primary"
          onClick={() => {
            openPanel('models')
            const { address, precision } = known
            void requestOffer({ kind: 'address', text: address }, { precision, token: null })
          }}
        >
          {t('empty.look')}
        </button>
      )}
      <button type="button" className="quiet" onClick={() => openPanel('models')}>
        {t('empty.otherModels')}
      </button>
    </div>
  )
}
