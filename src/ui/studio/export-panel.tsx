/** Captions out of the studio, in the form that other programs read. */
import { useMemo, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { captionOf, isMachineMade, type CaptionedPicture } from '../../studio/caption.ts'
import { EXPORT_FORMATS, hasAltText, type ExportFormat } from '../../studio/export-formats.ts'
import { useApp } from '../store-context.ts'
import { FailureWords } from '../parts/failure-words.tsx'
import { altTextCounts } from './alt-text-panel.tsx'
import { Chosen } from './fields.tsx'

export function ExportPanel({ shown }: { shown: readonly CaptionedPicture[] }): ReactElement {
  const { t } = useTranslation('studio')
  const [isOpen, setOpen] = useState(false)
  const exporting = useApp((state) => state.studio.exporting)
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t('export')}</summary>
      {isOpen && (exporting === null ? <Export shown={shown} /> : <Exporting />)}
      <Exported />
    </details>
  )
}

function Export({ shown }: { shown: readonly CaptionedPicture[] }): ReactElement {
  const { t } = useTranslation('studio')
  const canWrite = useApp((state) => state.studio.canWrite)
  const exportAll = useApp((state) => state.studioActions.exportAll)
  const [format, setFormat] = useState<ExportFormat>('txt')
  const [bom, setBom] = useState(false)
  const [xmpName, setXmpName] = useState<'stem' | 'whole'>('stem')
  const [onlyAccepted, setOnlyAccepted] = useState(false)
  const [asks, setAsks] = useState(false)
  const chosen = useMemo(
    () => shown.filter((picture) => !onlyAccepted || isReviewed(picture, format)),
    [shown, onlyAccepted, format],
  )
  const write = (into: 'folder' | 'zip'): void => {
    setAsks(false)
    void exportAll(
      { format, bom, xmpName },
      into,
      chosen.map(({ path }) => path),
    )
  }
  return (
    <div>
      <div className="studio-fields studio-export">
        <Chosen
          label={t('format')}
          values={EXPORT_FORMATS}
          value={format}
          name={(one) => t(`formats.${one}`)}
          onChange={(one) => {
            setFormat(one)
            setAsks(false)
          }}
        />
        {format === 'csv' && (
          <label className="check">
            <input type="checkbox" checked={bom} onChange={({ target }) => setBom(target.checked)} />
            {t('bom')}
          </label>
        )}
        {format === 'xmp' && (
          <Chosen
            label={t('xmpName')}
            values={['stem', 'whole'] as const}
            value={xmpName}
            name={(name) => (name === 'stem' ? 'photo.xmp' : 'photo.jpg.xmp')}
            onChange={setXmpName}
          />
        )}
        <label className="check">
          <input
            type="checkbox"
            checked={onlyAccepted}
            onChange={({ target }) => setOnlyAccepted(target.checked)}
          />
          {t('onlyAccepted')}
        </label>
      </div>
      <Review pictures={chosen} format={format} />
      {asks ? (
        <div className="notice" role="alert">
          <p>{t('inFileAsk', { count: chosen.length })}</p>
          <div className="actions">
            <button type="button" className="primary" onClick={() => write('folder')}>
              {t('inFileYes')}
            </button>
            <button type="button" onClick={() => setAsks(false)}>
              {t('cancel')}
            </button>
          </div>
        </div>
      ) : (
        <div className="actions">
          {canWrite && (
            <button
              type="button"
              className="primary"
              disabled={chosen.length === 0}
              onClick={() => (format === 'in-file' ? setAsks(true) : write('folder'))}
            >
              {t('intoFolder', { count: chosen.length })}
            </button>
          )}
          <button type="button" disabled={chosen.length === 0} onClick={() => write('zip')}>
            {t('asZip', { count: chosen.length })}
          </button>
        </div>
      )}
    </div>
  )
}

/** Whether people have seen what would be written of a picture. */
function isReviewed(picture: CaptionedPicture, format: ExportFormat): boolean {
  if (captionOf(picture) !== '' && !picture.accepted) return false
  return !hasAltText(format) || picture.altText === '' || picture.altAccepted
}

/** What no person has seen yet is said before it leaves the page. */
function Review({
  pictures,
  format,
}: {
  pictures: readonly CaptionedPicture[]
  format: ExportFormat
}): ReactElement {
  const { t } = useTranslation('studio')
  const machine = useMemo(
    () => pictures.filter((picture) => isMachineMade(picture) && !picture.accepted).length,
    [pictures],
  )
  const { unseen, faulty } = useMemo(() => altTextCounts(pictures), [pictures])
  return (
    <>
      {machine > 0 && <p className="hint">{t('unseenCaptions', { count: machine })}</p>}
      {hasAltText(format) && (unseen > 0 || faulty > 0) && (
        <p className="problem">{t('altReview', { unseen, faulty })}</p>
      )}
    </>
  )
}

function Exporting(): ReactElement {
  const { t } = useTranslation('studio')
  const exporting = useApp((state) => state.studio.exporting)
  const cancel = useApp((state) => state.studioActions.cancel)
  return (
    <div className="loading">
      <progress
        aria-label={t('exporting')}
        value={exporting?.done ?? 0}
        max={Math.max(1, exporting?.total ?? 1)}
      />
      <div className="actions">
        <button type="button" onClick={() => cancel('exporting')}>
          {t('cancel')}
        </button>
      </div>
    </div>
  )
}

function Exported(): ReactElement {
  const { t } = useTranslation('studio')
  const result = useApp((state) => state.studio.exported)
  return (
    <div role="status">
      {result !== null && (
        <>
          <p>
            {t('exported', {
              count: result.files,
              texts: t('exportedTexts', { count: result.pictures }),
            })}
          </p>
          {result.failures.length > 0 && (
            <>
              <p className="problem">{t('exportFailures', { count: result.failures.length })}</p>
              <ul>
                {result.failures.slice(0, 100).map(({ path, failure }) => (
                  <li key={path}>
                    {path}: <FailureWords failure={failure} />
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      )}
    </div>
  )
}
