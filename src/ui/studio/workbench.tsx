/** An open folder: what is there, a run over it, tools for many captions, and the pictures in a grid or one by one. */
import { useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { captionOf, isEdited, type CaptionedPicture } from '../../studio/caption.ts'
import { useApp } from '../store-context.ts'
import { FailureWords } from '../parts/failure-words.tsx'
import { AltTextPanel } from './alt-text-panel.tsx'
import { BulkPanel } from './bulk-panel.tsx'
import { DuplicatesPanel } from './duplicates-panel.tsx'
import { ExportPanel } from './export-panel.tsx'
import { FilterBar, HowManyShown } from './filter-bar.tsx'
import { NO_SIEVE, shownPictures, type Sieve } from './sieve.ts'
import { Grid } from './grid.tsx'
import { OneByOne } from './one-by-one.tsx'
import { RunPanel } from './run-panel.tsx'
import { Pick } from './picking.tsx'

/** Which of a picture's texts people are at work on. */
export type Mode = 'captions' | 'alt-text'

export function Workbench(): ReactElement {
  const { t } = useTranslation('studio')
  const pictures = useApp((state) => state.studio.pictures)
  const [sieve, setSieve] = useState<Sieve>(NO_SIEVE)
  const [mode, setMode] = useState<Mode>('captions')
  const [at, setAt] = useState<string | null>(null)
  const [left, setLeft] = useState<string | null>(null)
  // Only on a phone they are folded.
  const [isUnfolded, setUnfolded] = useState(false)
  const { shown, problem } = useMemo(() => shownPictures(pictures, sieve), [pictures, sieve])
  return (
    <>
      <Head pictures={pictures} />
      <Missing />
      <RunPanel shown={shown} mode={mode} isAside={at !== null} />
      <div className="actions" role="group" aria-label={t('mode')}>
        {(['captions', 'alt-text'] as const).map((one) => (
          <button key={one} type="button" aria-pressed={mode === one} onClick={() => setMode(one)}>
            {t(one === 'captions' ? 'modeCaptions' : 'modeAltText')}
          </button>
        ))}
        <History />
        {at === null && (
          <button
            type="button"
            className="studio-unfold"
            aria-expanded={isUnfolded}
            aria-controls="studio-tools"
            onClick={() => setUnfolded(!isUnfolded)}
          >
            {t('tools')}
          </button>
        )}
      </div>
      {at === null ? (
        <>
          <div id="studio-tools" className={isUnfolded ? 'is-unfolded' : ''}>
            <FilterBar sieve={sieve} onChange={setSieve} problem={problem} />
            <div className="studio-tools">
              {mode === 'captions' ? <BulkPanel shown={shown} /> : <AltTextPanel shown={shown} />}
              <DuplicatesPanel onOpen={setAt} />
              <ExportPanel shown={shown} />
              <Matching />
            </div>
          </div>
          <HowManyShown sieve={sieve} onChange={setSieve} count={shown.length} of={pictures.length} />
          <Grid pictures={shown} mode={mode} left={left} onOpen={setAt} />
        </>
      ) : (
        <OneByOne
          pictures={shown}
          mode={mode}
          path={at}
          onMove={setAt}
          onClose={() => {
            setLeft(at)
            setAt(null)
          }}
        />
      )}
    </>
  )
}

function Head({ pictures }: { pictures: readonly CaptionedPicture[] }): ReactElement {
  const { t } = useTranslation('studio')
  const name = useApp((state) => state.studio.project?.name ?? '')
  const leftAside = useApp((state) => state.studio.leftAside)
  const twins = useApp((state) => state.studio.twins)
  const unread = useApp((state) => state.studio.unread)
  const close = useApp((state) => state.studioActions.close)
  const counts = useMemo(() => {
    let [captioned, edited, accepted, failed] = [0, 0, 0, 0]
    for (const picture of pictures) {
      if (captionOf(picture) !== '') captioned += 1
      if (isEdited(picture)) edited += 1
      if (picture.accepted) accepted += 1
      if (picture.failure !== null) failed += 1
    }
    return { captioned, edited, accepted, failed }
  }, [pictures])
  return (
    <div className="studio-head">
      <div>
        <h3>{name}</h3>
        <p className="hint">
          {t('pictures', { count: pictures.length })} · {t('counts', counts)}
          {leftAside > 0 && ` · ${t('leftAside', { count: leftAside })}`}
        </p>
        {twins > 0 && <p className="hint">{t('twins', { count: twins })}</p>}
        {unread.length > 0 && (
          <details>
            <summary>{t('unread', { count: unread.length })}</summary>
            <ul>
              {unread.map(({ path, failure }) => (
                <li key={path}>
                  {path}: <FailureWords failure={failure} />
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
      <button type="button" onClick={() => void close()}>
        {t('close')}
      </button>
    </div>
  )
}

/** Pictures that cannot be opened now, and how they can be again. */
function Missing(): ReactElement | null {
  const { t } = useTranslation('studio')
  const missing = useApp((state) => state.studio.missing)
  const project = useApp((state) => state.studio.project)
  const reopen = useApp((state) => state.studioActions.reopen)
  if (missing === null || project === null) return null
  return (
    <div className="notice">
      <p>{t(missing === 'files' ? 'filesMissing' : 'permissionMissing', { name: project.name })}</p>
      {missing === 'files' ? (
        <Pick />
      ) : (
        <button type="button" className="primary" onClick={() => void reopen(project.id)}>
          {t('allow')}
        </button>
      )}
    </div>
  )
}

function History(): ReactElement {
  const { t } = useTranslation('studio')
  const history = useApp((state) => state.studio.history)
  const undo = useApp((state) => state.studioActions.undo)
  const redo = useApp((state) => state.studioActions.redo)
  const [last, next] = [history.done.at(-1), history.undone.at(-1)]
  return (
    <span className="studio-history">
      <button type="button" className="quiet" disabled={last === undefined} onClick={undo}>
        {last === undefined ? t('undo') : t('undoStep', { count: last.changes.length })}
      </button>
      <button type="button" className="quiet" disabled={next === undefined} onClick={redo}>
        {t('redo')}
      </button>
    </span>
  )
}

/** Scores of how well captions fit, by the model that searches. */
function Matching(): ReactElement {
  const { t } = useTranslation('studio')
  const matching = useApp((state) => state.studio.matching)
  const isMissing = useApp((state) => state.studio.missing !== null)
  const { matchAll, cancel } = useApp((state) => state.studioActions)
  if (matching === null)
    return (
      <div className="actions">
        <button type="button" disabled={isMissing} onClick={() => void matchAll()}>
          {t('matchAll')}
        </button>
      </div>
    )
  return (
    <div className="loading">
      <progress aria-label={t('matchAll')} value={matching.done} max={Math.max(1, matching.total)} />
      <div className="actions">
        <button type="button" onClick={() => cancel('matching')}>
          {t('cancel')}
        </button>
      </div>
    </div>
  )
}
