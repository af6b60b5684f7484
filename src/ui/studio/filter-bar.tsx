import { useId, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Failure } from '../../pack/failure.ts'
import { FailureWords } from '../parts/failure-words.tsx'
import { KINDS, NO_SIEVE, ORDERS, type Sieve } from './sieve.ts'
import { Chosen, Field } from './fields.tsx'

interface SieveProps {
  sieve: Sieve
  onChange: (sieve: Sieve) => void
}

/** Which pictures are shown. */
export function FilterBar({
  sieve,
  onChange,
  problem,
}: SieveProps & { problem: Failure | null }): ReactElement {
  const { t } = useTranslation('studio')
  const described = useId()
  const set = (change: Partial<Sieve>): void => onChange({ ...sieve, ...change })
  return (
    <fieldset className="studio-fields">
      <legend>{t('show')}</legend>
      <Chosen
        label={t('which')}
        values={KINDS}
        value={sieve.kind}
        name={(kind) => t(`kind.${kind}`)}
        onChange={(kind) => set({ kind })}
      />
      <label>
        {t('withText')}
        <input
          type="search"
          value={sieve.find}
          aria-invalid={problem !== null}
          aria-describedby={described}
          onChange={({ target }) => set({ find: target.value })}
        />
      </label>
      <Chosen
        label={t('order')}
        values={ORDERS}
        value={sieve.order}
        name={(order) => t(`orders.${order}`)}
        onChange={(order) => set({ order })}
      />
      <details>
        <summary>{t('moreFilters')}</summary>
        <p className="hint">{t('findHint')}</p>
        <div className="studio-fields">
          <label className="check">
            <input
              type="checkbox"
              checked={sieve.regular}
              onChange={({ target }) => set({ regular: target.checked })}
            />
            {t('regular')}
          </label>
          <Chosen
            label={t('lengthIn')}
            values={['characters', 'words', 'clipTokens'] as const}
            value={sieve.of}
            name={(unit) => t(`unit.${unit}`)}
            onChange={(unit) => set({ of: unit })}
          />
          <Field
            label={t('atLeast')}
            type="number"
            value={sieve.atLeast}
            onChange={(atLeast) => set({ atLeast })}
          />
          <Field
            label={t('atMost')}
            type="number"
            value={sieve.atMost}
            onChange={(atMost) => set({ atMost })}
          />
          <Field
            label={t('scoreAtMost')}
            type="number"
            value={sieve.scoreAtMost}
            onChange={(scoreAtMost) => set({ scoreAtMost })}
          />
          <Field
            label={t('matchAtMost')}
            type="number"
            value={sieve.matchAtMost}
            onChange={(matchAtMost) => set({ matchAtMost })}
          />
        </div>
      </details>
      <p id={described} className="problem">
        {problem !== null && <FailureWords failure={problem} />}
      </p>
    </fieldset>
  )
}

/** What the filters leave, said where they are folded away, too. */
export function HowManyShown({
  sieve,
  onChange,
  count,
  of,
}: SieveProps & { count: number; of: number }): ReactElement {
  const { t } = useTranslation('studio')
  return (
    <p className="hint" role="status">
      {t('shown', { count, of })}
      {sieve !== NO_SIEVE && count < of && (
        <button type="button" className="link" onClick={() => onChange(NO_SIEVE)}>
          {t('showAll')}
        </button>
      )}
    </p>
  )
}
