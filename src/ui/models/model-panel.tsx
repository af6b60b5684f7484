import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { timeText } from '../../messages/amounts.ts'
import type { DeviceReport } from '../../pack/device-report.ts'
import type { LoadedModel, LoadProgress } from '../../protocol/engine-calls.ts'
import { ModelFailed } from '../parts/model-failed.tsx'
import { Notice } from '../parts/notice.tsx'
import { Say } from '../parts/say.tsx'
import { useApp } from '../store-context.ts'
import { AddModel } from './add-model.tsx'
import { reasonNote } from './device-facts.ts'
import { KeptModels } from './kept-models.tsx'

/** What runs, on what, and what it knows; the others, and how more are added. */
export function ModelPanel(): ReactElement {
  const { t } = useTranslation('models')
  return (
    <section aria-label={t('region')} className="model-panel">
      <InUse />
      <h3>{t('others')}</h3>
      <KeptModels />
      <h3>{t('add.heading')}</h3>
      <AddModel />
    </section>
  )
}

function InUse(): ReactElement {
  const { t } = useTranslation('models')
  const model = useApp((state) => state.model)
  const offlineReady = useApp((state) => state.offlineReady)
  const changeModel = useApp((state) => state.changeModel)
  const chosen = useApp((state) => state.settings.model)
  const setAside = useApp((state) => state.setAside)
  const unresponsive = useApp((state) => state.settings.unresponsive)
  const mended = useApp((state) => state.mended)
  const kept = useApp((state) => state.kept)
  const name = kept.find(({ id }) => id === chosen)?.name ?? t('keptModel')
  return (
    <>
      <h2 className="in-use">{chosen === null ? t('builtIn') : name}</h2>
      {setAside !== null && (
        <Notice failure={setAside} action={t('loadAnyway')} onAction={() => void changeModel(unresponsive)} />
      )}
      {mended !== null && model.status !== 'failed' && <Notice failure={mended} />}
      {model.status === 'loading' && <Loading progress={model.progress} />}
      {model.status === 'ready' && <Ready loaded={model.loaded} />}
      {model.status === 'failed' && (
        <>
          <ModelFailed />
          {model.failure.code === 'device-lost' && <LostAgain />}
        </>
      )}
      {(model.status === 'failed' || model.status === 'loading') && chosen !== null && (
        <button type="button" onClick={() => void changeModel(null)}>
          {t('useBuiltIn')}
        </button>
      )}
      {chosen === null && <p className="hint">{t('miniature')}</p>}
      <p className="hint">{t('speaksEnglish')}</p>
      {offlineReady && <p className="hint">{t('offline')}</p>}
    </>
  )
}

function LostAgain(): ReactElement | null {
  const { t } = useTranslation('models')
  const losses = useApp((state) => state.losses)
  const switchProvider = useApp((state) => state.switchProvider)
  if (losses < 2) return null
  return (
    <p>
      {t('lossesInARow', { count: losses })}{' '}
      <button type="button" className="link" onClick={() => void switchProvider('wasm')}>
        {t('useWasm')}
      </button>{' '}
      {t('wasmSlower')}
    </p>
  )
}

function Loading({ progress }: { progress: LoadProgress | null }): ReactElement {
  const { t } = useTranslation('models')
  if (progress === null) return <Bar label={t('loading.starting')} />
  if (progress.stage === 'warming-up') return <Bar label={t('loading.trying')} />
  if (progress.stage === 'fetching') {
    const { doneBytes: done, totalBytes: total } = progress
    return <Bar label={t('loading.fetching', { done, total })} value={done / Math.max(1, total)} />
  }
  const part = t(`parts.${progress.graph}`)
  return <Bar label={t('loading.preparing', { part })} value={progress.done / progress.total} />
}

function Bar({ label, value }: { label: string; value?: number }): ReactElement {
  return (
    <p className="loading">
      <span>{label}</span>
      <progress aria-label={label} {...(value !== undefined && { value })} />
    </p>
  )
}

function Ready({ loaded }: { loaded: LoadedModel }): ReactElement {
  const { t, i18n } = useTranslation('models')
  const { manifest, device, loadMs } = loaded
  const size = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
  const { precision } = manifest
  const millions = manifest.parameters / 1e6
  return (
    <>
      <p>
        <Device device={device} />
      </p>
      <p className="hint">
        {t('ready.size', { millions, precision, size, time: timeText(loadMs, i18n.language) })}
      </p>
    </>
  )
}

function Device({ device }: { device: DeviceReport }): ReactElement {
  const { t } = useTranslation('models')
  const switchProvider = useApp((state) => state.switchProvider)
  if (device.provider === 'webgpu') {
    const name = device.adapter === '' ? t('ready.card') : device.adapter
    return (
      <>
        {device.software ? t('ready.software', { name }) : t('ready.webgpu', { name })}{' '}
        <button type="button" className="link" onClick={() => void switchProvider('wasm')}>
          {t('useWasm')}
        </button>
      </>
    )
  }
  return (
    <>
      {t('ready.wasm')} {device.reason !== null && <Say saying={reasonNote(device.reason)} />}{' '}
      <button type="button" className="link" onClick={() => void switchProvider('webgpu')}>
        {t('tryWebGpu')}
      </button>
    </>
  )
}
