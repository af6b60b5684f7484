import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { BenchResult } from '../../protocol/bench-result.ts'
import type { LoadedModel } from '../../protocol/engine-calls.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { Notice } from '../parts/notice.tsx'
import { Say } from '../parts/say.tsx'
import { useApp } from '../store-context.ts'
import { choicesOf, figuresOf, type Fact } from './device-facts.ts'

/** What was chosen here and why, what it can do, and all of it as text for a report of a fault. */
export function DevicePanel(): ReactElement {
  const { t } = useTranslation(['models', 'shell'])
  const model = useApp((state) => state.model)
  const measuring = useApp((state) => state.measuring)
  const measure = useApp((state) => state.measureDevice)
  const cancel = useApp((state) => state.cancelMeasuring)
  const loaded = model.status === 'ready' ? model.loaded : null
  const result = measuring.status === 'done' ? measuring.result : null
  const predicted = measuring.status === 'done' ? measuring.predictedSeconds : null
  return (
    <details className="device">
      <summary>{t('models:device.heading')}</summary>
      {loaded !== null && <Facts label={t('models:device.chosen')} facts={choicesOf(loaded.device)} />}
      {measuring.status === 'failed' && <Notice failure={measuring.failure} />}
      {result !== null && <Facts label={t('models:device.measured')} facts={figuresOf(result, predicted)} />}
      {measuring.status === 'running' ? (
        <div className="actions">
          <Measuring stage={measuring.stage} />
          <button type="button" onClick={cancel}>
            {t('shell:cancel')}
          </button>
        </div>
      ) : (
        <div className="actions">
          <button type="button" disabled={loaded === null} onClick={() => void measure()}>
            {t('models:device.measure')}
          </button>
          {loaded !== null && <CopyReport loaded={loaded} result={result} />}
        </div>
      )}
    </details>
  )
}

/** How the parts of a measurement are called in the catalogue. */
const STAGES = {
  start: 'start',
  bandwidth: 'bandwidth',
  load: 'load',
  'first picture': 'firstPicture',
  picture: 'picture',
  decode: 'decode',
  'follow-up': 'followUp',
  kernels: 'kernels',
  'decode without recording': 'plainDecode',
} as const

function Measuring({ stage }: { stage: string }): ReactElement {
  const { t } = useTranslation('models')
  const name = isStage(stage) ? t(`device.stages.${STAGES[stage]}`) : stage
  return <span>{t('device.measuring', { stage: name })}</span>
}

const isStage = (stage: string): stage is keyof typeof STAGES => Object.hasOwn(STAGES, stage)

function Facts({ label, facts }: { label: string; facts: readonly Fact[] }): ReactElement {
  return (
    <dl className="facts" aria-label={label}>
      {facts.map(({ name, value }) => (
        <div key={name}>
          <dt>
            <Say saying={{ key: name }} />
          </dt>
          <dd>
            <Say saying={value} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

function CopyReport({ loaded, result }: { loaded: LoadedModel; result: BenchResult | null }): ReactElement {
  const { t } = useTranslation('models')
  const text = (): string => {
    const { device, loadMs, manifest } = loaded
    const { name, precision, parameters, fingerprint } = manifest
    const model = { name, precision, parameters, fingerprint }
    return JSON.stringify({ browser: navigator.userAgent, device, model, loadMs, measured: result }, null, 2)
  }
  return <CopyButton label={t('device.report')} text={text} />
}
