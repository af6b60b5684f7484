import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { bytesText as bytesIn } from '../../messages/amounts.ts'
import type { DeviceReport, KernelTimes } from '../../pack/device-report.ts'
import { contextText, memoryText } from '../../pack/device-words.ts'
import { CAPTION_WORDS, secondsText } from '../../pack/caption-work.ts'
import type { BenchResult } from '../../protocol/bench-result.ts'
import type { LoadedModel } from '../../protocol/engine-calls.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { Notice } from '../parts/notice.tsx'
import { useApp } from '../store-context.ts'

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
      {loaded !== null && <Facts label={t('models:device.chosen')} facts={choicesOf(loaded)} />}
      {measuring.status === 'failed' && <Notice failure={measuring.failure} />}
      {result !== null && (
        <Facts
          label={t('models:device.measured')}
          facts={[captionFact(result, predicted), ...figuresOf(result)]}
        />
      )}
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

/** These facts are for reports, and English like the words about devices in them. */
const bytesText = (bytes: number): string => bytesIn(bytes, 'en')

type Fact = [name: string, value: string]

function Facts({ label, facts }: { label: string; facts: Fact[] }): ReactElement {
  return (
    <dl className="facts" aria-label={label} lang="en">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

const SUBGROUPS: Record<NonNullable<DeviceReport['subgroups']>, string> = {
  used: 'used: attention was tried with them at the start and came out right',
  absent: 'no: the device has none',
  software: 'no: a software adapter gives wrong numbers with them',
  'too-small': 'no: those of this device are below 8, with which attention is wrong',
  wrong: 'no: attention was tried with them at the start and came out wrong',
  'left-out': 'no: they were left out on purpose',
}

const OWN_KERNELS: Record<DeviceReport['ownKernels'], string> = {
  used: 'our own: they were tried against ONNX Runtime and came out the same',
  'no-gpu': 'ONNX Runtime’s',
  'left-out': 'ONNX Runtime’s: our own are turned off in the settings',
  software: 'ONNX Runtime’s: a software adapter gains nothing by our own',
  unfit: 'ONNX Runtime’s: our own are not for this model on this device',
  wrong: 'ONNX Runtime’s: our own were tried and came out otherwise',
  slower: 'ONNX Runtime’s: our own were tried and are slower here',
  lost: 'ONNX Runtime’s: the graphics device went away under our own, or the page while they were tried',
  memory: 'ONNX Runtime’s: the graphics device had no room for our own',
  invalid: 'ONNX Runtime’s: the graphics device refused our own',
  compiling: 'ONNX Runtime’s: our own took too long to compile here',
  stuck: 'ONNX Runtime’s: our own were tried and did not come back',
}

const BUILDS: Record<DeviceReport['build'], string> = {
  jspi: 'JSPI build: the browser can pause WebAssembly',
  asyncify: 'asyncify build: the browser cannot pause WebAssembly (JSPI)',
  wasm: 'build for the processor',
}

function choicesOf({ device }: LoadedModel): Fact[] {
  const gpu = device.provider === 'webgpu'
  const software = device.software ? ' (a software adapter, slow but right)' : ''
  return [
    ['Runs on', gpu ? `WebGPU, ${device.adapter || 'an adapter without a name'}${software}` : 'WebAssembly'],
    ...(device.reason === null ? [] : [['Why', device.reason] satisfies Fact]),
    ...(gpu ? gpuChoices(device) : []),
    ['Context', contextText(device.context)],
    ['Memory', memoryText(device.memory)],
    ['ONNX Runtime', BUILDS[device.build]],
    ...limitsOf(device),
  ]
}

function gpuChoices({ f16, recordsSteps, ownKernels, kernelTimes, subgroups }: DeviceReport): Fact[] {
  const half = f16 ? 'yes' : 'no: the device has no shader-f16, so numbers are computed in full precision'
  const records = recordsSteps
    ? 'yes: the commands of a step are recorded once and replayed'
    : 'no: recording did not work here, so every step is put together anew'
  return [
    ['Half precision', half],
    ['Kernels of the language model', OWN_KERNELS[ownKernels]],
    ...(kernelTimes === null ? [] : [['A token took', timesText(kernelTimes)] satisfies Fact]),
    ...(ownKernels === 'used' ? [] : [['Recorded steps', records] satisfies Fact]),
    ...(subgroups === null ? [] : [['Subgroups', SUBGROUPS[subgroups]] satisfies Fact]),
  ]
}

function timesText({ own, other }: KernelTimes): string {
  return `${own.toFixed(1)} ms on our own kernels, ${other.toFixed(1)} ms on ONNX Runtime’s, when they were tried`
}

function limitsOf({ limits }: DeviceReport): Fact[] {
  if (limits === null) return []
  return [
    ['Largest buffer', bytesText(limits.buffer)],
    ['Largest storage binding', bytesText(limits.storageBinding)],
    ['Workgroup storage', bytesText(limits.workgroupStorage)],
  ]
}

/** From the parts that were measured, beside what half a second of trying had foretold. */
function captionFact({ encode, prefill, decode }: BenchResult, predictedSeconds: number | null): Fact {
  const { ms } = decode.recorded ?? decode.plain
  const measured = (encode.vision + encode.qFormer + prefill.ms + CAPTION_WORDS * ms) / 1000
  const beside = predictedSeconds === null ? '' : `, ${secondsText(predictedSeconds)} by the short probe`
  return [`A caption of ${CAPTION_WORDS} tokens`, `${secondsText(measured)} measured${beside}`]
}

function figuresOf({ load, encode, firstToken, prefill, decode, limit }: BenchResult): Fact[] {
  const best = decode.recorded ?? decode.plain
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`
  return [
    ['Loading', `${ms(load.total)} (${bytesText(load.bytesPerSecond)}/s from where it is kept)`],
    ['Looking at a picture', `${ms(encode.vision)} vision encoder, ${ms(encode.qFormer)} Q-Former`],
    ['Reading', `${prefill.positionsPerSecond.toFixed(1)} positions/s`],
    ['First word', `${ms(firstToken.warm)}, the first time ${ms(firstToken.cold)}`],
    ['Writing', `${best.tokensPerSecond.toFixed(1)} tokens/s`],
    ...(decode.recorded === null
      ? []
      : [['Without recorded steps', `${decode.plain.tokensPerSecond.toFixed(1)} tokens/s`] satisfies Fact]),
    ['Work between steps', `${ms(best.hostMs)}, ${best.dispatches} dispatches per token`],
    ...(limit === null
      ? []
      : [
          [
            'Of what memory allows',
            `${(100 * limit.reached).toPrecision(2)} % of ${limit.tokensPerSecond.toFixed(0)} tokens/s`,
          ] satisfies Fact,
        ]),
  ]
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
