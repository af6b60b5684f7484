import { useId, useState, type ReactElement, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { KernelChoice, MemoryChoice } from '../../pack/device-report.ts'
import { LANGUAGES } from '../../messages/languages.ts'
import { tunedPrompt } from '../../state/model-slice.ts'
import { isPreset, PRESETS } from '../../state/presets.ts'
import { DEFAULT_TEMPLATE, type Theme } from '../../state/settings-slice.ts'
import { useApp } from '../store-context.ts'
import { OwnDecoding } from './own-decoding.tsx'

const THEMES = ['auto', 'light', 'dark'] as const satisfies Theme[]
const MEMORY = ['auto', 'keep', 'spare', 'plenty'] as const satisfies MemoryChoice[]
const KERNELS = ['never', 'auto', 'always'] as const satisfies KernelChoice[]

/** Names for choices, by the choice. */
function namesOf<T extends string>(choices: readonly T[], name: (choice: T) => string): Record<T, string> {
  return Object.fromEntries(choices.map((choice) => [choice, name(choice)])) as Record<T, string>
}

export function SettingsPanel(): ReactElement {
  const { t } = useTranslation('settings')
  const settings = useApp((state) => state.settings)
  const change = useApp((state) => state.changeSettings)
  const tuned = useApp((state) => tunedPrompt(state.model))
  return (
    <details className="settings">
      <summary>{t('heading')}</summary>
      <LanguageChoice />
      <label>
        {t('appearance')}
        <Options
          names={namesOf(THEMES, (theme) => t(`themes.${theme}`))}
          chosen={settings.theme}
          onChoose={(theme) => change({ theme })}
        />
      </label>
      <Preset />
      {settings.preset === 'own' && <OwnDecoding />}
      <label>
        {t('begins')}
        <input
          type="text"
          value={settings.prompt}
          placeholder="a photo of"
          onChange={(event) => change({ prompt: event.target.value })}
        />
      </label>
      {settings.prompt === '' && tuned !== null && <p className="hint">{t('tuned', { prompt: tuned })}</p>}
      <Template />
      <Memory />
      <Kernels />
    </details>
  )
}

/** Languages stand under their own names: whoever looks for theirs reads that. */
function LanguageChoice(): ReactElement {
  const { t } = useTranslation('settings')
  const language = useApp((state) => state.settings.language)
  const change = useApp((state) => state.changeSettings)
  const names = { auto: t('auto'), ...LANGUAGES }
  return (
    <label>
      {t('language')}
      <Options names={names} chosen={language} onChoose={(choice) => change({ language: choice })} />
    </label>
  )
}

/** How answers are written. */
function Preset(): ReactElement {
  const { t } = useTranslation('settings')
  const preset = useApp((state) => state.settings.preset)
  const change = useApp((state) => state.changeSettings)
  const presets = Object.keys(PRESETS).filter(isPreset)
  return (
    <Choice
      label={t('how')}
      names={namesOf(presets, (name) => t(`presets.${name}.name`))}
      chosen={preset}
      onChoose={(name) => change({ preset: name })}
    >
      {t(`presets.${preset}.hint`)}
    </Choice>
  )
}

/** What stays loaded between pictures. */
function Memory(): ReactElement {
  const { t } = useTranslation('settings')
  const memory = useApp((state) => state.settings.memory)
  const change = useApp((state) => state.changeMemory)
  return (
    <Choice
      label={t('memory.label')}
      names={namesOf(MEMORY, (choice) => t(`memory.${choice}`))}
      chosen={memory}
      onChoose={(choice) => void change(choice)}
    >
      {t('memory.hint')}
    </Choice>
  )
}

/** What the language model runs on. */
function Kernels(): ReactElement {
  const { t } = useTranslation('settings')
  const kernels = useApp((state) => state.settings.ownKernels)
  const change = useApp((state) => state.changeSettings)
  return (
    <Choice
      label={t('kernels.label')}
      names={namesOf(KERNELS, (choice) => t(`kernels.${choice}`))}
      chosen={kernels}
      onChoose={(choice) => change({ ownKernels: choice })}
    >
      {t('kernels.hint')}
    </Choice>
  )
}

interface ChoiceProps<T extends string> {
  label: string
  names: Record<T, string>
  chosen: T
  onChoose: (choice: T) => void
  /** The hint. */
  children: ReactNode
}

function Choice<T extends string>({
  label,
  names,
  chosen,
  onChoose,
  children,
}: ChoiceProps<T>): ReactElement {
  const hint = useId()
  return (
    <div className="field">
      <label>
        {label}
        <Options names={names} chosen={chosen} onChoose={onChoose} hint={hint} />
      </label>
      <p id={hint} className="hint">
        {children}
      </p>
    </div>
  )
}

interface OptionsProps<T extends string> extends Omit<ChoiceProps<T>, 'label' | 'children'> {
  /** Id of what describes them. */
  hint?: string
}

function Options<T extends string>({ names, chosen, onChoose, hint }: OptionsProps<T>): ReactElement {
  const choices = Object.keys(names) as T[]
  return (
    <select
      value={chosen}
      aria-describedby={hint}
      onChange={({ target }) => {
        const choice = choices.find((one) => one === target.value)
        if (choice !== undefined) onChoose(choice)
      }}
    >
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {names[choice]}
        </option>
      ))}
    </select>
  )
}

/** How a question is put. Changed only while it makes sense. */
function Template(): ReactElement {
  const { t } = useTranslation('settings')
  const kept = useApp((state) => state.settings.template)
  const change = useApp((state) => state.changeSettings)
  const [text, setText] = useState(kept)
  const problem = useId()
  const valid = text.includes('{question}')
  return (
    <div className="field">
      <label>
        {t('template')}
        <input
          type="text"
          value={text}
          aria-invalid={!valid}
          {...(!valid && { 'aria-describedby': problem })}
          onChange={(event) => {
            setText(event.target.value)
            if (event.target.value.includes('{question}')) change({ template: event.target.value })
          }}
        />
      </label>
      {!valid && (
        <p id={problem} className="problem">
          {t('templateProblem', { kept })}
        </p>
      )}
      {kept !== DEFAULT_TEMPLATE && (
        <button
          type="button"
          className="link"
          onClick={() => {
            setText(DEFAULT_TEMPLATE)
            change({ template: DEFAULT_TEMPLATE })
          }}
        >
          {t('templateBack')}
        </button>
      )}
    </div>
  )
}
