import { useId, useState, type ReactElement, type ReactNode } from 'react'
import { decodingProblem, GREEDY, type DecodingSettings } from '../../pack/decoding.ts'
import type { KernelChoice, MemoryChoice } from '../../pack/device-report.ts'
import { PRESETS } from '../../state/presets.ts'
import { DEFAULT_TEMPLATE, type Theme } from '../../state/settings-slice.ts'
import { useApp } from '../store-context.ts'

const THEMES: Record<Theme, string> = { auto: 'As the system', light: 'Light', dark: 'Dark' }

const MEMORY: Record<MemoryChoice, string> = {
  auto: 'Automatic',
  keep: 'Keep everything loaded',
  spare: 'Spare memory',
}

const KERNELS: Record<KernelChoice, string> = {
  never: 'Off',
  auto: 'On graphics cards',
  always: 'On software adapters, too',
}

export function SettingsPanel(): ReactElement {
  const settings = useApp((state) => state.settings)
  const change = useApp((state) => state.changeSettings)
  return (
    <details className="settings">
      <summary>Settings</summary>
      <label>
        Caption begins with
        <input
          type="text"
          value={settings.prompt}
          placeholder="a photo of"
          onChange={(event) => change({ prompt: event.target.value })}
        />
      </label>
      <Template />
      <label>
        Appearance
        <Options names={THEMES} chosen={settings.theme} onChoose={(theme) => change({ theme })} />
      </label>
      <Memory />
      <Kernels />
      <p className="hint">
        Answers are written as “{PRESETS[settings.preset].name}”: {PRESETS[settings.preset].hint}.
      </p>
      {settings.preset === 'own' && <OwnDecoding />}
      <Shortcuts />
    </details>
  )
}

/** What stays loaded between pictures. */
function Memory(): ReactElement {
  const memory = useApp((state) => state.settings.memory)
  const change = useApp((state) => state.changeMemory)
  return (
    <Choice label="Memory" names={MEMORY} chosen={memory} onChoose={(choice) => void change(choice)}>
      Sparing memory puts away the part that looks at pictures until the next picture, which then takes a
      little longer.
    </Choice>
  )
}

/** What the language model runs on. */
function Kernels(): ReactElement {
  const kernels = useApp((state) => state.settings.kernels)
  const change = useApp((state) => state.changeSettings)
  return (
    <Choice
      label="Kernels of our own"
      names={KERNELS}
      chosen={kernels}
      onChoose={(choice) => change({ kernels: choice })}
    >
      Meant to make the language model faster on a graphics card, and not yet seen on one. They are tried
      first: where they come out otherwise than ONNX Runtime, that is used. A change holds from the next load
      on.
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
  const kept = useApp((state) => state.settings.template)
  const change = useApp((state) => state.changeSettings)
  const [text, setText] = useState(kept)
  const problem = useId()
  const valid = text.includes('{question}')
  return (
    <div className="field">
      <label>
        How a question is put to the model
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
          Say where the question goes: write {'{question}'} somewhere. Until then “{kept}” is used.
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
          Back to BLIP-2’s own
        </button>
      )}
    </div>
  )
}

type NumberField = Exclude<keyof DecodingSettings, 'sampling' | 'words'>

const FIELDS: [NumberField, string, number][] = [
  ['maxNewTokens', 'Longest answer, in tokens', 1],
  ['minNewTokens', 'Shortest answer, in tokens', 1],
  ['beams', 'Beams', 1],
  ['lengthPenalty', 'Length penalty', 0.1],
  ['repetitionPenalty', 'Repetition penalty', 0.1],
  ['noRepeatNgram', 'No n-gram twice, of this size', 1],
  ['answers', 'Answers', 1],
]

/** Every setting of the decoder. Values that do not go together are told and not used. */
function OwnDecoding(): ReactElement {
  const own = useApp((state) => state.settings.own)
  const change = useApp((state) => state.changeSettings)
  const [draft, setDraft] = useState(own)
  const problem = decodingProblem(draft)
  const set = (next: DecodingSettings): void => {
    setDraft(next)
    if (decodingProblem(next) === null) change({ own: next })
  }
  const { sampling } = draft
  return (
    <fieldset>
      <legend>My own way to answer</legend>
      {FIELDS.map(([field, label, step]) => (
        <NumberInput
          key={field}
          label={label}
          step={step}
          value={draft[field]}
          onChange={(value) => set({ ...draft, [field]: value })}
        />
      ))}
      <label className="check">
        <input
          type="checkbox"
          checked={sampling !== null}
          onChange={(event) => set({ ...draft, sampling: event.target.checked ? SAMPLING : null })}
        />
        Sample instead of choosing the best
      </label>
      {sampling !== null && (
        <>
          <NumberInput
            label="Temperature"
            step={0.1}
            value={sampling.temperature}
            onChange={(temperature) => set({ ...draft, sampling: { ...sampling, temperature } })}
          />
          <NumberInput
            label="Top-k (0 for all)"
            step={1}
            value={sampling.topK}
            onChange={(topK) => set({ ...draft, sampling: { ...sampling, topK } })}
          />
          <NumberInput
            label="Top-p"
            step={0.05}
            value={sampling.topP}
            onChange={(topP) => set({ ...draft, sampling: { ...sampling, topP } })}
          />
          <NumberInput
            label="Seed"
            step={1}
            value={sampling.seed}
            onChange={(seed) => set({ ...draft, sampling: { ...sampling, seed } })}
          />
        </>
      )}
      {problem !== null && (
        <p className="problem" role="alert">
          {problem} The last settings that fit are used.
        </p>
      )}
      <button type="button" className="link" onClick={() => set(GREEDY)}>
        Back to plain greedy search
      </button>
    </fieldset>
  )
}

const SAMPLING = { temperature: 1, topK: 0, topP: 0.9, seed: 0 }

function NumberInput({
  label,
  step,
  value,
  onChange,
}: {
  label: string
  step: number
  value: number
  onChange: (value: number) => void
}): ReactElement {
  return (
    <label>
      {label}
      <input
        type="number"
        step={step}
        value={Number.isNaN(value) ? '' : value}
        onChange={(event) => onChange(event.target.valueAsNumber)}
      />
    </label>
  )
}

function Shortcuts(): ReactElement {
  return (
    <dl className="shortcuts" aria-label="Keyboard shortcuts">
      <dt>
        <kbd>Enter</kbd>
      </dt>
      <dd>sends the question</dd>
      <dt>
        <kbd>Shift</kbd> + <kbd>Enter</kbd>
      </dt>
      <dd>begins a new line</dd>
      <dt>
        <kbd>Esc</kbd>
      </dt>
      <dd>stops the answer, or leaves an edit</dd>
      <dt>
        <kbd>Ctrl</kbd> or <kbd>⌘</kbd> + <kbd>V</kbd>
      </dt>
      <dd>pastes a picture</dd>
    </dl>
  )
}
