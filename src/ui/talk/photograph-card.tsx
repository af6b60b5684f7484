import { useEffect, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { KeptModel } from '../../protocol/keeper-calls.ts'
import { isKnown, keptFor, noteIn, type KnownCosts, type KnownModel } from '../../state/catalogue.ts'
import { expectedCosts, type Advice, type ExpectedCosts } from '../../state/costs-slice.ts'
import { LanguageTerms } from '../models/model-terms.tsx'
import { useApp } from '../store-context.ts'

/** What a model for photographs would cost, before anything of it is fetched; or the one that is kept already. */
export function PhotographCard(): ReactElement {
  const { t } = useTranslation('talk')
  const catalogue = useApp((state) => state.catalogue)
  const kept = useApp((state) => keptFor(state.kept, catalogue))
  const keepsNothing = useApp((state) => state.keepsNothing)
  if (kept !== undefined) return <Kept kept={kept} known={isKnown(kept, catalogue)} />
  const [known] = catalogue.models
  return (
    <section className="card">
      {keepsNothing ? (
        <>
          <h2>{t('empty.photographs')}</h2>
          <p>{t('empty.photographsBrief')}</p>
          <p className="hint">{t('empty.cannotKeep')}</p>
        </>
      ) : (
        <Available known={known} />
      )}
    </section>
  )
}

function Kept({ kept: { id, name }, known }: { kept: KeptModel; known: boolean }): ReactElement {
  const { t } = useTranslation('talk')
  const changeModel = useApp((state) => state.changeModel)
  return (
    <section className="card">
      <h2>{t(known ? 'empty.photographsKept' : 'empty.added', { name })}</h2>
      <p>{t(known ? 'empty.photographsText' : 'empty.addedText')}</p>
      <div className="actions">
        <button type="button" className="primary" onClick={() => void changeModel(id)}>
          {t('empty.useKept')}
        </button>
        <OtherModels />
      </div>
    </section>
  )
}

/** One that could be fetched, and the way to it; without `known`, the way to whatever else there is. */
function Available({ known }: { known: KnownModel | undefined }): ReactElement {
  const { t } = useTranslation('talk')
  const here = useApp((state) => state.here)
  const space = useApp((state) => state.space)
  const costs = known?.costs ?? null
  const expected = costs === null || here === null ? null : expectedCosts(costs, here, space)
  return (
    <>
      <h2>
        {costs === null ? t('empty.photographs') : t('empty.photographsOnce', { fetch: costs.fetchBytes })}
      </h2>
      <p>{t('empty.photographsText')}</p>
      {known !== undefined &&
        (costs === null ? (
          <KnownNote known={known} />
        ) : (
          <CostList costs={costs} known={known} expected={expected} />
        ))}
      <Offer known={known} advice={expected?.advice ?? null} />
    </>
  )
}

function KnownNote({ known }: { known: KnownModel }): ReactElement | null {
  const { i18n } = useTranslation('talk')
  const note = noteIn(known, i18n.language)
  return note === null ? null : (
    <p className="hint" lang={note.language}>
      {note.text}
    </p>
  )
}

interface CostListProps {
  costs: KnownCosts
  known: KnownModel
  /** Null until this device is measured. */
  expected: ExpectedCosts | null
}

/** What decides, a line each: time to fetch, time for a caption, whether that is advised, what is allowed. */
function CostList({ costs, known, expected }: CostListProps): ReactElement {
  const { t } = useTranslation('talk')
  useMeasuredHere(known)
  return (
    <ul className="costs">
      {expected?.duration != null && <li>{t('costs.time', { range: expected.duration })}</li>}
      <li>{t('costs.kept', { keep: costs.keepBytes })}</li>
      {expected === null && <li>{t('costs.measuring')}</li>}
      {expected?.seconds != null && expected.advice !== null && (
        <li>
          {t('costs.seconds', { seconds: expected.seconds })}{' '}
          <strong>{t(`costs.advice.${expected.advice}`)}</strong>
        </li>
      )}
      {costs.licence !== null && (
        <li>
          <LanguageTerms licence={costs.licence} />
        </li>
      )}
    </ul>
  )
}

/** So long people must have looked at the page before their device is put to work for a number on it. */
const DWELL_MS = 1000

/** Has this device measured while nothing else is asked of it. */
function useMeasuredHere({ precision }: KnownModel): void {
  const measure = useApp((state) => state.measureHere)
  const isFree = useApp(
    ({ here, model, panel }) =>
      here === null && panel === null && (model.status === 'ready' || model.status === 'failed'),
  )
  useEffect(() => {
    if (!isFree) return
    const timer = setTimeout(() => void measure(precision), DWELL_MS)
    return () => clearTimeout(timer)
  }, [isFree, measure, precision])
}

/** What leads on is loud only where something speaks for it. */
function Offer({ known, advice }: { known: KnownModel | undefined; advice: Advice | null }): ReactElement {
  const { t } = useTranslation('talk')
  const isLoud = advice === 'advised' || advice === 'slow'
  const openPanel = useApp((state) => state.openPanel)
  const requestOffer = useApp((state) => state.requestOffer)
  return (
    <div className="actions">
      {known !== undefined && (
        <button
          type="button"
          {...(isLoud && { className: 'primary' })}
          onClick={() => {
            openPanel('models')
            const { address, precision } = known
            void requestOffer({ kind: 'address', text: address }, { precision, token: null })
          }}
        >
          {t('empty.look')}
        </button>
      )}
      <OtherModels />
    </div>
  )
}

function OtherModels(): ReactElement {
  const { t } = useTranslation('talk')
  const openPanel = useApp((state) => state.openPanel)
  return (
    <button type="button" className="quiet" onClick={() => openPanel('models')}>
      {t('empty.otherModels')}
    </button>
  )
}
