/** Changes to many captions at once, each of which is seen before any is made. */
import { useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { toFailure, type Failure } from '../../pack/failure.ts'
import type { CaptionedPicture } from '../../studio/caption.ts'
import { planEdit, type BulkEdit, type Change } from '../../studio/edits.ts'
import { Windowed } from '../parts/windowed.tsx'
import { useApp } from '../store-context.ts'
import { FailureWords } from '../parts/failure-words.tsx'
import { Chosen, Field } from './fields.tsx'

const KINDS = ['replace', 'prefix', 'suffix', 'trim', 'lower-case'] as const
const CHANGES_IN_BLOCK = 50

interface Draft {
  kind: BulkEdit['kind']
  find: string
  by: string
  regular: boolean
  matchCase: boolean
  text: string
}

export function BulkPanel({ shown }: { shown: readonly CaptionedPicture[] }): ReactElement {
  const { t } = useTranslation('studio')
  const [isOpen, setOpen] = useState(false)
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t('bulk')}</summary>
      {isOpen && <Bulk shown={shown} />}
    </details>
  )
}

function Bulk({ shown }: { shown: readonly CaptionedPicture[] }): ReactElement {
  const { t } = useTranslation('studio')
  const apply = useApp((state) => state.studioActions.apply)
  const [draft, setDraft] = useState<Draft>({
    kind: 'replace',
    find: '',
    by: '',
    regular: false,
    matchCase: true,
    text: '',
  })
  const { changes, problem } = useMemo(() => planned(shown, draft), [shown, draft])
  const set = (change: Partial<Draft>): void => setDraft({ ...draft, ...change })
  return (
    <div>
      <div className="studio-fields">
        <Chosen
          label={t('bulkWhat')}
          values={KINDS}
          value={draft.kind}
          name={(kind) => t(`bulkKind.${kind}`)}
          onChange={(kind) => set({ kind })}
        />
        {draft.kind === 'replace' && (
          <>
            <Field label={t('find')} value={draft.find} onChange={(find) => set({ find })} />
            <Field label={t('replaceBy')} value={draft.by} onChange={(by) => set({ by })} />
            <Check label={t('regular')} value={draft.regular} onChange={(regular) => set({ regular })} />
            <Check
              label={t('matchCase')}
              value={draft.matchCase}
              onChange={(matchCase) => set({ matchCase })}
            />
          </>
        )}
        {(draft.kind === 'prefix' || draft.kind === 'suffix') && (
          <Field label={t(`field.${draft.kind}`)} value={draft.text} onChange={(text) => set({ text })} />
        )}
      </div>
      {problem !== null && (
        <p className="problem" role="alert">
          <FailureWords failure={problem} />
        </p>
      )}
      <p className="hint" role="status">
        {t('wouldChange', { count: changes.length, of: shown.length })}
      </p>
      <Preview changes={changes} />
      <div className="actions">
        <button
          type="button"
          className="primary"
          disabled={changes.length === 0}
          onClick={() => apply(changes, draft.kind)}
        >
          {t('applyChanges', { count: changes.length })}
        </button>
      </div>
    </div>
  )
}

function Check({
  label,
  value,
  onChange,
}: {
  label: string
  value: boolean
  onChange: (value: boolean) => void
}): ReactElement {
  return (
    <label className="check">
      <input type="checkbox" checked={value} onChange={({ target }) => onChange(target.checked)} />
      {label}
    </label>
  )
}

function planned(
  shown: readonly CaptionedPicture[],
  { kind, find, by, regular, matchCase, text }: Draft,
): { changes: Change[]; problem: Failure | null } {
  if (kind === 'replace' && find === '') return { changes: [], problem: null }
  const edit: BulkEdit =
    kind === 'replace'
      ? { kind, find, by, regular, matchCase }
      : kind === 'prefix' || kind === 'suffix'
        ? { kind, text }
        : { kind }
  try {
    return { changes: planEdit(shown, edit), problem: null }
  } catch (error) {
    return { changes: [], problem: toFailure(error) }
  }
}

function Preview({ changes }: { changes: readonly Change[] }): ReactElement | null {
  const { t } = useTranslation('studio')
  if (changes.length === 0) return null
  return (
    <div className="studio-preview" tabIndex={0} role="region" aria-label={t('preview')}>
      <Windowed
        count={changes.length}
        blockLength={CHANGES_IN_BLOCK}
        estimatedHeight={64}
        begin="first"
        name={(from, to) => `${t('preview')} ${from}–${to}`}
      >
        {(from, to) => (
          <ul>
            {changes.slice(from, to).map(({ path, before, after }) => (
              <li key={path}>
                <span className="hint">{path}</span>
                <del>{before}</del>
                <ins>{after}</ins>
              </li>
            ))}
          </ul>
        )}
      </Windowed>
    </div>
  )
}
