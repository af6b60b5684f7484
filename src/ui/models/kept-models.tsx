import { useEffect, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { KeptModel, Space } from '../../protocol/keeper-calls.ts'
import { Notice } from '../parts/notice.tsx'
import { useApp } from '../store-context.ts'
import { ModelSourceLine, ModelTerms } from './model-terms.tsx'
import { ProgressBars } from './progress-bars.tsx'

/** What can be used, what is kept and how large it is, and what can be done about it. */
export function KeptModels(): ReactElement {
  const { t } = useTranslation(['models', 'shell'])
  const kept = useApp((state) => state.kept)
  const space = useApp((state) => state.space)
  const failure = useApp((state) => state.keptFailure)
  const saving = useApp((state) => state.saving)
  const cancelSaving = useApp((state) => state.cancelSaving)
  const current = useApp((state) => state.settings.model)
  const refresh = useApp((state) => state.refreshPacks)
  const offlineReady = useApp((state) => state.offlineReady)
  // What is used grew since the page was opened, most of all when it was kept for starting without a connection.
  useEffect(() => void refresh(), [refresh, offlineReady])
  return (
    <>
      <ul className="models" aria-label={t('models:kept.list')}>
        <BuiltIn />
        {kept.map((model) => (
          <Kept key={model.id} model={model} inUse={model.id === current} />
        ))}
      </ul>
      {failure !== null && <Notice failure={failure} />}
      {saving.status === 'failed' && <Notice failure={saving.failure} />}
      {saving.status === 'running' && (
        <p className="hint">
          {t('models:kept.saving', { done: saving.doneBytes, total: saving.totalBytes })}{' '}
          <button type="button" className="link" onClick={cancelSaving}>
            {t('shell:cancel')}
          </button>
        </p>
      )}
      {space !== null && kept.length > 0 && <SpaceLine space={space} />}
      {offlineReady && kept.length === 0 && space?.usedBytes != null && (
        <p className="hint">{t('models:kept.page', { size: space.usedBytes })}</p>
      )}
    </>
  )
}

function BuiltIn(): ReactElement {
  const { t } = useTranslation('models')
  const current = useApp((state) => state.settings.model)
  const changeModel = useApp((state) => state.changeModel)
  return (
    <li>
      <p>
        <strong>{t('kept.builtIn')}</strong>{' '}
        <span className="hint">{current === null ? t('kept.inUse') : t('kept.always')}</span>
      </p>
      {current !== null && (
        <button
          type="button"
          aria-label={t('kept.useNamed', { name: t('kept.builtInName') })}
          onClick={() => void changeModel(null)}
        >
          {t('kept.use')}
        </button>
      )}
    </li>
  )
}

function Kept({ model, inUse }: { model: KeptModel; inUse: boolean }): ReactElement {
  const { t } = useTranslation('models')
  const elsewhere = useApp((state) => state.elsewhere[model.id])
  const newer = useApp((state) => state.newer.includes(model.id))
  const state = useStateOf(model, inUse)
  // Of a conversion that has not ended there is no manifest yet that says so.
  const isReadable = model.complete || model.converted === null
  return (
    <li>
      <p>
        <strong>{model.name}</strong> <span className="hint">{state}</span>
      </p>
      {model.precision !== null && (
        <div className="terms">
          <ModelSourceLine place={model.place} />
          {isReadable && <ModelTerms model={model} />}
        </div>
      )}
      {newer && <p>{t('kept.newer')}</p>}
      {elsewhere !== undefined && <ProgressBars progress={elsewhere} />}
      <KeptActions model={model} inUse={inUse} />
    </li>
  )
}

function KeptActions({ model, inUse }: { model: KeptModel; inUse: boolean }): ReactElement {
  const { t } = useTranslation('models')
  const changeModel = useApp((state) => state.changeModel)
  const resume = useApp((state) => state.resumeKept)
  const save = useApp((state) => state.saveKept)
  const busy = useApp((state) => state.adding.status === 'running')
  const elsewhere = useApp((state) => state.elsewhere[model.id])
  const newer = useApp((state) => state.newer.includes(model.id))
  const requestNewer = useApp((state) => state.requestNewer)
  const { name } = model
  return (
    <div className="actions">
      {model.complete && !inUse && !model.compares && (
        <button
          type="button"
          aria-label={t('kept.useNamed', { name })}
          onClick={() => void changeModel(model.id)}
        >
          {t('kept.use')}
        </button>
      )}
      {!model.complete && model.address !== null && elsewhere === undefined && (
        <button
          type="button"
          disabled={busy}
          aria-label={t('kept.resumeNamed', { name })}
          onClick={() => void resume(model)}
        >
          {t('kept.resume')}
        </button>
      )}
      {newer && (
        <button
          type="button"
          disabled={busy}
          aria-label={t('kept.lookNewerNamed', { name })}
          onClick={() => void requestNewer(model)}
        >
          {t('kept.lookNewer')}
        </button>
      )}
      {model.complete && (
        <button
          type="button"
          className="quiet"
          aria-label={t('kept.saveNamed', { name })}
          onClick={() => void save(model)}
        >
          {t('kept.save')}
        </button>
      )}
      <Delete model={model} inUse={inUse} />
    </div>
  )
}

function useStateOf({ complete, address, precision, bytes }: KeptModel, inUse: boolean): string {
  const { t } = useTranslation('models')
  const values = { precision: precision ?? '', size: bytes }
  if (inUse) return t('kept.sizeInUse', values)
  if (complete) return t('kept.size', values)
  return address === null ? t('kept.sizeFiles', values) : t('kept.sizePartly', values)
}

/** Gigabytes took hours to arrive, so it takes two clicks to let them go. */
function Delete({ model, inUse }: { model: KeptModel; inUse: boolean }): ReactElement {
  const { t } = useTranslation('models')
  const remove = useApp((state) => state.removeKept)
  const changeModel = useApp((state) => state.changeModel)
  const [asked, setAsked] = useState(false)
  const { name } = model
  const go = async (): Promise<void> => {
    if (inUse) await changeModel(null)
    await remove(model.id)
  }
  if (!asked) {
    return (
      <button
        type="button"
        className="quiet"
        aria-label={t('kept.deleteNamed', { name })}
        onClick={() => setAsked(true)}
      >
        {t('kept.delete')}
      </button>
    )
  }
  return (
    <>
      <button type="button" aria-label={t('kept.reallyNamed', { name })} onClick={() => void go()}>
        {t('kept.really')}
      </button>
      <button type="button" className="quiet" data-first onClick={() => setAsked(false)}>
        {t('kept.keep')}
      </button>
    </>
  )
}

/** What the browser counts is everything of this page, not models alone. */
function SpaceLine({ space }: { space: Space }): ReactElement {
  const { t } = useTranslation(['models', 'limits'])
  const ask = useApp((state) => state.askToPersist)
  const models = useApp((state) => state.keptBytes)
  return (
    <p className="hint">
      {space.usedBytes !== null &&
        `${t('limits:used', { size: space.usedBytes, models, rest: Math.max(0, space.usedBytes - models) })} `}
      {space.freeBytes !== null && `${t('kept.free', { size: space.freeBytes })} `}
      {space.persisted ? (
        t('kept.persisted')
      ) : (
        <>
          {t('kept.mayClear')}{' '}
          <button type="button" className="link" onClick={() => void ask()}>
            {t('kept.persist')}
          </button>
        </>
      )}
    </p>
  )
}
