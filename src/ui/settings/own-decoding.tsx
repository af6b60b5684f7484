import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { decodingProblem, GREEDY, type DecodingSettings } from '../../pack/decoding.ts'
import { FailureWords } from '../parts/failure-words.tsx'
import { useApp } from '../store-context.ts'

type NumberField = Exclude<keyof DecodingSettings, 'sampling' | 'words'>

/** Each with the step of its arrows. */
const FIELDS: [NumberField, number][] = [
  ['maxNewTokens', 1],
  ['minNewTokens', 1],
  ['beams', 1],
  ['lengthPenalty', 0.1],
  ['repetitionPenalty', 0.1],
  ['noRepeatNgram', 1],
  ['answers', 1],
]

/** Every setting of the decoder. Values that do not go together are told and not used. */
export function OwnDecoding(): ReactElement {
  const { t } = useTranslation('settings')
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
      <legend>{t('own.legend')}</legend>
      {FIELDS.map(([field, step]) => (
        <NumberInput
          key={field}
          label={t(`own.${field}`)}
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
        {t('own.sample')}
      </label>
      {sampling !== null && (
        <>
          <NumberInput
            label={t('own.temperature')}
            step={0.1}
            value={sampling.temperature}
            onChange={(temperature) => set({ ...draft, sampling: { ...sampling, temperature } })}
          />
          <NumberInput
            label={t('own.topK')}
            step={1}
            value={sampling.topK}
            onChange={(topK) => set({ ...draft, sampling: { ...sampling, topK } })}
          />
          <NumberInput
            label={t('own.topP')}
            step={0.05}
            value={sampling.topP}
            onChange={(topP) => set({ ...draft, sampling: { ...sampling, topP } })}
          />
          <NumberInput
            label={t('own.seed')}
            step={1}
            value={sampling.seed}
            onChange={(seed) => set({ ...draft, sampling: { ...sampling, seed } })}
          />
        </>
      )}
      {problem !== null && (
        <p className="problem" role="alert">
          <FailureWords failure={{ code: 'bad-usage', message: problem }} /> {t('own.lastUsed')}
        </p>
      )}
      <button type="button" className="link" onClick={() => set(GREEDY)}>
        {t('own.back')}
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
