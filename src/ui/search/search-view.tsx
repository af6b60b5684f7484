import { useEffect, useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { millisecondsText } from '../../messages/amounts.ts'
import { keptComparer } from '../../state/search/comparing.ts'
import { hasNothing, shownPictures, type ShownPicture } from '../../state/search/shown.ts'
import { Notice } from '../parts/notice.tsx'
import { useApp } from '../store-context.ts'
import { AskForm } from './ask-form.tsx'
import { PictureDetails } from './picture-details.tsx'
import { ResultGrid } from './result-grid.tsx'
import { useAddFolder } from './add-folder.tsx'
import { Sources } from './sources.tsx'
import './search.css'

/** Pictures of folders and conversations, found by words. */
export function SearchView(): ReactElement {
  const { t } = useTranslation('search')
  const { visit, dismissFailure } = useApp((state) => state.searchActions)
  const failure = useApp((state) => state.search.failure)
  const model = useApp((state) => state.search.model)
  const isBuiltIn = useApp((state) => keptComparer(state.kept) === null)
  const comparer = useApp((state) => keptComparer(state.kept)?.id)
  const [folderField, addFolder] = useAddFolder()
  useEffect(() => {
    void visit()
    // Another model has an index of its own.
  }, [visit, comparer])
  return (
    <section className="search" aria-labelledby="search-heading">
      <h2 id="search-heading">{t('heading')}</h2>
      <p className="hint">{t('intro')}</p>
      {isBuiltIn && <p className="hint">{t('builtIn')}</p>}
      {!isBuiltIn && model !== null && <p className="hint">{t('model', { name: model.manifest.name })}</p>}
      <AskForm />
      {failure !== null && <Notice failure={failure} action={t('close')} onAction={dismissFailure} />}
      {folderField}
      <Results onAddFolder={addFolder} />
      <Sources onAddFolder={addFolder} />
    </section>
  )
}

function Results({ onAddFolder }: { onAddFolder: () => void }): ReactElement {
  const { t, i18n } = useTranslation('search')
  const found = useApp((state) => state.search.found)
  const matches = useApp((state) => state.search.matches)
  const filters = useApp((state) => state.search.filters)
  const status = useApp((state) => state.search.status)
  const foundMs = useApp((state) => state.search.foundMs)
  const query = useApp((state) => state.search.query)
  const indexed = useApp((state) => state.search.index?.pictures)
  const isEmpty = useApp(hasNothing)
  const [open, setOpen] = useState<ShownPicture | null>(null)
  const pictures = useMemo(() => shownPictures(found, matches, filters), [found, matches, filters])
  const said = [
    t('shown', { count: pictures.length }),
    ...(foundMs === null
      ? []
      : [t('foundIn', { total: found.length, time: millisecondsText(foundMs, i18n.language) })]),
  ].join(' ')
  return (
    <>
      <p role="status" className="hint" lang={i18n.language}>
        {status === 'finding' ? t('finding') : indexed !== 0 && said}
        {status === 'ranking' && ` · ${t('ranking')}`}
      </p>
      {isEmpty && (
        <div className="drop-area">
          <p>{t('empty')}</p>
          <button type="button" className="primary" onClick={onAddFolder}>
            {t('addFolder')}
          </button>
        </div>
      )}
      {pictures.length === 0 && status !== 'finding' && indexed !== undefined && indexed > 0 && (
        <p>{t('none')}</p>
      )}
      {/* What is asked for next begins at its best, wherever people had scrolled to. */}
      {pictures.length > 0 && <ResultGrid key={JSON.stringify(query)} pictures={pictures} onOpen={setOpen} />}
      {foundMs !== null && <p className="hint">{t('scoreHint')}</p>}
      {open !== null && <PictureDetails key={open.key} picture={open} onClose={() => setOpen(null)} />}
    </>
  )
}
