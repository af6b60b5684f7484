import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { bytesText, durationText } from '../../messages/amounts.ts'
import type { SearchSource } from '../../protocol/search-calls.ts'
import { hasNothing } from '../../state/search/shown.ts'
import { isWritingHere } from '../../state/under-way.ts'
import { useApp } from '../store-context.ts'

/** Where pictures come from, how far the index is, and how large. */
export function Sources({ onAddFolder }: { onAddFolder: () => void }): ReactElement {
  const { t, i18n } = useTranslation('search')
  const index = useApp((state) => state.search.index)
  const { clear, clearOthers } = useApp((state) => state.searchActions)
  const isEmpty = useApp(hasNothing)
  return (
    <section aria-labelledby="sources-heading" className="sources">
      <h3 id="sources-heading">{t('sources')}</h3>
      <ul>
        {index?.sources.map((source) => (
          <Source key={source.id} source={source} />
        ))}
      </ul>
      {!isEmpty && (
        <button type="button" onClick={onAddFolder}>
          {t('addFolder')}
        </button>
      )}
      {index !== null && index.pictures > 0 && (
        <p className="hint">
          {t('size', { size: bytesText(index.bytes, i18n.language) })}{' '}
          <AskedTwice ask={t('deleteIndex')} really={t('reallyDelete')} onSure={() => void clear()} />
        </p>
      )}
      {index !== null && index.otherBytes > 0 && (
        <p className="hint">
          {t('otherSize', { size: bytesText(index.otherBytes, i18n.language) })}{' '}
          <AskedTwice
            ask={t('deleteOthers')}
            really={t('reallyDeleteOthers')}
            onSure={() => void clearOthers()}
          />
        </p>
      )}
    </section>
  )
}

interface AskedTwiceProps {
  ask: string
  really: string
  onSure: () => void
}

/** What cannot be undone is done by the second press. */
function AskedTwice({ ask, really, onSure }: AskedTwiceProps): ReactElement {
  const [asked, setAsked] = useState(false)
  return (
    <button
      type="button"
      className="link"
      onBlur={() => setAsked(false)}
      onClick={() => {
        if (asked) onSure()
        setAsked(!asked)
      }}
    >
      {asked ? really : ask}
    </button>
  )
}

function Source({ source }: { source: SearchSource }): ReactElement {
  const { t } = useTranslation('search')
  const { update, remove } = useApp((state) => state.searchActions)
  const indexing = useApp((state) => state.search.indexing)
  const isWaiting = useApp((state) => state.search.waiting.includes(source.id))
  const name = source.kind === 'conversations' ? t('conversations') : source.name
  const isUnderWay = indexing?.source === source.id
  return (
    <li>
      <p>
        <strong dir="auto">{name}</strong>{' '}
        <span className="hint">
          {t('held', { count: source.pictures })}
          {source.refused > 0 && `, ${t('refused', { count: source.refused })}`}
          {!source.isHere && `, ${t('chooseAgain')}`}
        </span>
      </p>
      {(isUnderWay || isWaiting) && <Progress isUnderWay={isUnderWay} />}
      <div className="actions">
        {source.isHere && !isUnderWay && !isWaiting && (
          <button type="button" aria-label={t('updateOf', { name })} onClick={() => void update(source)}>
            {t('update')}
          </button>
        )}
        {source.kind === 'folder' && (
          <button type="button" aria-label={t('removeOf', { name })} onClick={() => void remove(source.id)}>
            {t('remove')}
          </button>
        )}
      </div>
    </li>
  )
}

function Progress({ isUnderWay }: { isUnderWay: boolean }): ReactElement {
  const { t, i18n } = useTranslation('search')
  const indexing = useApp((state) => state.search.indexing)
  const paused = useApp((state) => state.search.paused)
  const isHeld = useApp(isWritingHere) && isUnderWay
  const { pause, resume } = useApp((state) => state.searchActions)
  const progress = isUnderWay ? (indexing?.progress ?? null) : null
  const { done = 0, total = 0, secondsLeft = null } = progress ?? {}
  const words = progress === null ? t(isUnderWay ? 'listing' : 'waiting') : t('progress', { done, total })
  return (
    <div className="loading">
      {total > 0 && <progress value={done} max={total} aria-label={t('progress', { done, total })} />}
      <p className="hint">
        {words}{' '}
        {isHeld
          ? t('waitsForAnswer')
          : secondsLeft !== null && t('left', { time: durationText(secondsLeft, i18n.language) })}{' '}
        <button type="button" className="link" onClick={paused ? resume : pause}>
          {paused ? t('resume') : t('pause')}
        </button>
      </p>
    </div>
  )
}
