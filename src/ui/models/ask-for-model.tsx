import { useId, useState, type ChangeEvent, type SyntheticEvent, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { PRECISIONS, type Precision } from '../../pack/precisions.ts'
import { noteIn, type KnownModel } from '../../state/catalogue.ts'
import type { OfferOptions } from '../../state/offers.ts'
import { useFileField } from '../taking/choose-files.tsx'
import { useApp } from '../store-context.ts'
import { LanguageTerms } from './model-terms.tsx'

/** Which model: one of those that the host knows, an address, a folder or files of this computer. */
export function AskForModel({ needsToken = false }: { needsToken?: boolean }): ReactElement {
  const { t } = useTranslation('models')
  const requestOffer = useApp((state) => state.requestOffer)
  const catalogue = useApp((state) => state.catalogue)
  const [address, setAddress] = useState('')
  const [token, setToken] = useState('')
  const [precision, setPrecision] = useState<Precision>('q4f16')
  const [side, setSide] = useState('')
  const hint = useId()
  const imageSize = side === '' ? undefined : Number(side)
  const options = { precision, imageSize, token: token === '' ? null : token }
  const offerOfFiles = (event: ChangeEvent<HTMLInputElement>): void => {
    const files = [...(event.target.files ?? [])].map((file) => ({
      path: file.webkitRelativePath || file.name,
      file,
    }))
    // The same files may be chosen again.
    event.target.value = ''
    if (files.length > 0) void requestOffer({ kind: 'files', files }, options)
  }
  return (
    <form
      className="add-model"
      onSubmit={(event) => {
        event.preventDefault()
        void requestOffer({ kind: 'address', text: address }, options)
      }}
    >
      <KnownModels models={catalogue.models} options={options} />
      <label>
        {t('add.address')}
        <input
          type="text"
          required
          value={address}
          placeholder={t('add.placeholder')}
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          aria-describedby={hint}
          onChange={(event) => setAddress(event.target.value)}
        />
      </label>
      <p className="hint" id={hint}>
        {t('add.addressHint')}
      </p>
      <Details
        open={needsToken}
        values={{ precision, side, token }}
        onPrecision={setPrecision}
        onSide={setSide}
        onToken={setToken}
      />
      <div className="actions">
        <button type="submit" className="primary">
          {t('add.look')}
        </button>
        <ChooseFiles label={t('add.folder')} directory onChange={offerOfFiles} />
        <ChooseFiles label={t('add.files')} onChange={offerOfFiles} />
      </div>
    </form>
  )
}

/** What few need: how a checkpoint is converted, and how a private one is read. */
function Details({
  open,
  values,
  onPrecision,
  onSide,
  onToken,
}: {
  open: boolean
  values: { precision: Precision; side: string; token: string }
  onPrecision: (precision: Precision) => void
  onSide: (side: string) => void
  onToken: (token: string) => void
}): ReactElement {
  const { t } = useTranslation('models')
  const hint = useId()
  return (
    <details className="more-fields" open={open}>
      <summary>{t('add.details')}</summary>
      <label>
        {t('add.precision')}
        <select value={values.precision} onChange={(event) => onPrecision(precisionOf(event.target.value))}>
          {PRECISIONS.map((name) => (
            <option key={name} value={name}>
              {t(`add.${name}`)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t('add.side')}
        <input
          type="number"
          min={1}
          step={1}
          value={values.side}
          placeholder={t('add.asTrained')}
          aria-describedby={hint}
          onInvalid={unfold}
          onChange={(event) => onSide(event.target.value)}
        />
      </label>
      <p className="hint" id={hint}>
        {t('add.sideHint')}
      </p>
      <label>
        {t('add.token')}
        <input
          type="password"
          value={values.token}
          autoComplete="off"
          onChange={(event) => onToken(event.target.value)}
        />
      </label>
      <p className="hint">{t('add.tokenHint')}</p>
    </details>
  )
}

/** A browser says what is wrong at the field, which it cannot do while that is folded away. */
function unfold({ currentTarget }: SyntheticEvent<HTMLInputElement>): void {
  const details = currentTarget.closest('details')
  if (details !== null) details.open = true
}

/** So many are in sight; what else is known would stand in the way of all that comes below. */
const SHOWN = 3

function KnownModels({
  models,
  options,
}: {
  models: readonly KnownModel[]
  options: OfferOptions
}): ReactElement | null {
  const { t } = useTranslation('models')
  const [first, more] = [models.slice(0, SHOWN), models.slice(SHOWN)]
  if (first.length === 0) return null
  return (
    <>
      <KnownList models={first} options={options} label={t('add.known')} />
      {more.length > 0 && (
        <details className="more-models">
          <summary>{t('add.more', { count: more.length })}</summary>
          <KnownList models={more} options={options} label={t('add.more', { count: more.length })} />
        </details>
      )}
    </>
  )
}

function KnownList({
  models,
  options,
  label,
}: {
  models: readonly KnownModel[]
  options: OfferOptions
  label: string
}): ReactElement {
  return (
    <ul className="models" aria-label={label}>
      {models.map((model) => (
        <li key={model.address}>
          <Known model={model} options={options} />
        </li>
      ))}
    </ul>
  )
}

function precisionOf(text: string): Precision {
  return PRECISIONS.find((name) => name === text) ?? 'q4f16'
}

function Known({ model, options }: { model: KnownModel; options: OfferOptions }): ReactElement {
  const { t, i18n } = useTranslation('models')
  const requestOffer = useApp((state) => state.requestOffer)
  const { name, address, precision, costs } = model
  const note = noteIn(model, i18n.language)
  return (
    <>
      <div className="known">
        <strong>{name}</strong>
        {note !== null && <p lang={note.language}>{note.text}</p>}
        {costs !== null && (
          <p className="hint">
            {t('add.sizes', { fetch: costs.fetchBytes, keep: costs.keepBytes })}{' '}
            {costs.licence !== null && <LanguageTerms licence={costs.licence} />}
          </p>
        )}
      </div>
      <button
        type="button"
        aria-label={t('add.lookNamed', { name })}
        onClick={() => void requestOffer({ kind: 'address', text: address }, { ...options, precision })}
      >
        {t('add.look')}
      </button>
    </>
  )
}

function ChooseFiles({
  label,
  directory = false,
  onChange,
}: {
  label: string
  directory?: boolean
  onChange: (event: ChangeEvent<HTMLInputElement>) => void
}): ReactElement {
  const [input, choose] = useFileField()
  return (
    <>
      <button type="button" onClick={choose}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        // Not in React's types, though every browser has it (File and Directory Entries API).
        {...(directory && { webkitdirectory: '' })}
        onChange={onChange}
      />
    </>
  )
}
