/** A run over the folder: how pictures are captioned, and how far it is. */
import { useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { durationText } from '../../messages/amounts.ts'
import { isPreset, PRESETS, type PresetName } from '../../state/presets.ts'
import type { CaptionedPicture } from '../../studio/caption.ts'
import { EXISTING } from '../../studio/compose.ts'
import { TARGETS } from '../../studio/project.ts'
import { wantedPaths } from '../../studio/run.ts'
import { nameOf } from '../../studio/picture-files.ts'
import { useApp } from '../store-context.ts'
import { ModelFailed } from '../parts/model-failed.tsx'
import { FailureWords } from '../parts/failure-words.tsx'
import { Chosen, Field } from './fields.tsx'
import { draftOf, settingsFrom, usePageSettings, type RunDraft } from './run-draft.ts'
import type { Mode } from './workbench.tsx'

interface RunProps {
  shown: readonly CaptionedPicture[]
  mode: Mode
  /** While one picture is looked at, nothing begins that is about all of them; what was filled in stays. */
  isAside?: boolean
}

export function RunPanel({ isAside = false, ...rest }: RunProps): ReactElement {
  const isUnderWay = useApp((state) => state.studio.run !== null)
  return isUnderWay ? <Progress /> : <Begin key={rest.mode} {...rest} isAside={isAside} />
}

function Begin({ shown, mode, isAside }: RunProps): ReactElement {
  const { t } = useTranslation('studio')
  const page = usePageSettings()
  const kept = useApp((state) => state.studio.project?.settings ?? null)
  const isMissing = useApp((state) => state.studio.missing !== null)
  const begin = useApp((state) => state.studioActions.begin)
  const [draft, setDraft] = useState<RunDraft>(() => ({
    ...draftOf(kept, page),
    ...(mode === 'alt-text' && { target: 'alt-text' as const }),
  }))
  const { settings, problem } = settingsFrom(draft, page)
  const { target, existing } = draft
  const wanted = useMemo(() => wantedPaths(shown, { target, existing }), [shown, target, existing])
  const cannotAsk = draft.asks === 'question' && draft.question.trim() === ''
  return (
    <div className="studio-run" hidden={isAside}>
      <details>
        <summary>{t('how')}</summary>
        <RunFields draft={draft} onChange={(change) => setDraft({ ...draft, ...change })} />
      </details>
      {problem !== null && (
        <p className="problem" role="alert">
          <FailureWords failure={{ code: 'bad-usage', message: problem }} />
        </p>
      )}
      <div className="actions">
        <button
          type="button"
          className="primary"
          disabled={settings === null || wanted.length === 0 || isMissing || cannotAsk}
          onClick={() => {
            if (settings !== null) void begin(settings, wanted)
          }}
        >
          {t(BEGIN[target], { count: wanted.length })}
        </button>
        {wanted.length === 0 && problem === null && <span className="hint">{t('nothingToDo')}</span>}
      </div>
    </div>
  )
}

/** What the button says that a run will write. */
const BEGIN = { caption: 'begin', 'alt-text': 'beginAltText', 'long-description': 'beginLong' } as const

function RunFields({
  draft,
  onChange,
}: {
  draft: RunDraft
  onChange: (change: Partial<RunDraft>) => void
}): ReactElement {
  const { t } = useTranslation(['studio', 'settings'])
  const preset = useApp((state) => state.settings.preset)
  const changeSettings = useApp((state) => state.changeSettings)
  const text = (
    field: Exclude<keyof RunDraft, 'target' | 'asks' | 'existing'>,
    options: { type?: 'number'; placeholder?: string } = {},
  ): ReactElement => (
    <Field
      label={t(`field.${field}`)}
      value={draft[field]}
      onChange={(value) => onChange({ [field]: value })}
      {...options}
    />
  )
  return (
    <div className="studio-fields">
      <Chosen
        label={t('writes')}
        values={TARGETS}
        value={draft.target}
        name={(target) => t(`target.${target}`)}
        onChange={(target) => onChange({ target })}
      />
      <Chosen
        label={t('asks')}
        values={['caption', 'question'] as const}
        value={draft.asks}
        name={(asks) => t(`asked.${asks}`)}
        onChange={(asks) => onChange({ asks })}
      />
      {draft.asks === 'caption' ? text('prompt', { placeholder: 'a photo of' }) : text('question')}
      <Chosen<PresetName>
        label={t('preset')}
        values={Object.keys(PRESETS).filter(isPreset)}
        value={preset}
        name={(name) => t(`settings:presets.${name}.name`)}
        onChange={(name) => changeSettings({ preset: name })}
      />
      {text('candidates', { type: 'number', placeholder: '1' })}
      {text('shortest', { type: 'number' })}
      {text('longest', { type: 'number' })}
      <Chosen
        label={t('existing')}
        values={EXISTING}
        value={draft.existing}
        name={(existing) => t(`exists.${existing}`)}
        onChange={(existing) => onChange({ existing })}
      />
      {text('trigger', { placeholder: 'sks' })}
      {text('prefix')}
      {text('suffix')}
      {text('begin')}
      {text('ban')}
      {text('force')}
      <p className="hint">{t('placeholders')}</p>
    </div>
  )
}

function Progress(): ReactElement | null {
  const { t, i18n } = useTranslation('studio')
  const run = useApp((state) => state.studio.run)
  const model = useApp((state) => state.model.status)
  const isMissing = useApp((state) => state.studio.missing !== null)
  const { pause, resume, skip, end } = useApp((state) => state.studioActions)
  if (run === null) return null
  const { status, done, total, perMinute, secondsLeft, path, text } = run
  const whole = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 0 })
  const pace =
    status !== 'running' || perMinute === null || secondsLeft === null
      ? ''
      : t('pace', { pace: whole.format(perMinute), left: durationText(secondsLeft, i18n.language) })
  return (
    <div className="studio-run loading">
      <span>
        {t(status === 'running' ? 'running' : 'paused', { done, total })} {pace}
      </span>
      <progress aria-label={t('progress')} value={done} max={Math.max(1, total)} />
      {status === 'running' && (
        <p className="hint">
          {model === 'ready' ? (path === null ? '' : `${nameOf(path)}: ${text}`) : t('waitsForModel')}
        </p>
      )}
      {status === 'running' && <ModelFailed />}
      <div className="actions">
        {status === 'running' ? (
          <>
            <button type="button" onClick={() => void pause()}>
              {t('pause')}
            </button>
            <button type="button" onClick={skip}>
              {t('skip')}
            </button>
          </>
        ) : (
          <button type="button" className="primary" disabled={isMissing} onClick={() => void resume()}>
            {t('resume')}
          </button>
        )}
        <button type="button" onClick={() => void end()}>
          {t('end')}
        </button>
      </div>
    </div>
  )
}
