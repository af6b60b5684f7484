import { useState, type ReactElement, type SubmitEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useApp } from '../store-context.ts'

/** What is looked for, and within what. */
export function AskForm(): ReactElement {
  const { t } = useTranslation('search')
  const { find } = useApp((state) => state.searchActions)
  const query = useApp((state) => state.search.query)
  const found = useApp((state) => state.search.found)
  const [text, setText] = useState(query.kind === 'words' ? query.text : '')
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault()
    const words = text.trim()
    void find(words === '' ? { kind: 'all' } : { kind: 'words', text: words })
  }
  const showAll = (): void => {
    setText('')
    void find({ kind: 'all' })
  }
  const like = query.kind === 'alike' ? found.find(({ key }) => key === query.key) : undefined
  return (
    <form role="search" onSubmit={onSubmit}>
      <div className="ask">
        <input
          type="search"
          dir="auto"
          aria-label={t('words')}
          placeholder={t('words')}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="primary">
          {t('find')}
        </button>
        {query.kind !== 'all' && (
          <button type="button" onClick={showAll}>
            {t('showAll')}
          </button>
        )}
      </div>
      {like !== undefined && <p>{t('alike', { name: like.name })}</p>}
      <Filters />
    </form>
  )
}

function Filters(): ReactElement {
  const { t } = useTranslation('search')
  const filters = useApp((state) => state.search.filters)
  const { filter } = useApp((state) => state.searchActions)
  const asked = useApp((state) => state.search.query.kind !== 'all')
  return (
    <details>
      <summary>{t('filters')}</summary>
      <div className="filters">
        <label>
          {t('filterName')}
          <input value={filters.name} onChange={(event) => filter({ name: event.target.value })} />
        </label>
        <label>
          {t('filterFrom')}
          <input
            type="date"
            value={filters.from}
            onChange={(event) => filter({ from: event.target.value })}
          />
        </label>
        <label>
          {t('filterTo')}
          <input type="date" value={filters.to} onChange={(event) => filter({ to: event.target.value })} />
        </label>
        <label>
          {t('filterLeast')}: {filters.least.toFixed(2)}
          <input
            type="range"
            min={0}
            max={1}
            step={0.01}
            disabled={!asked}
            value={filters.least}
            onChange={(event) => filter({ least: Number(event.target.value) })}
          />
        </label>
      </div>
    </details>
  )
}
