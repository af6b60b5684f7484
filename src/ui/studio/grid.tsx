import { memo, useCallback, useRef, useState, type ReactElement, type RefCallback } from 'react'
import { useTranslation } from 'react-i18next'
import { captionOf, isEdited, isMachineMade, type CaptionedPicture } from '../../studio/caption.ts'
import { nameOf } from '../../studio/picture-files.ts'
import { Windowed } from '../parts/windowed.tsx'
import { FailureWords } from '../parts/failure-words.tsx'
import { Thumbnail } from './thumbnail.tsx'
import type { Mode } from './workbench.tsx'

/** Whole rows for two to six columns. */
const IN_BLOCK = 60
/** Of a cell, shared among the columns that there mostly are. */
const ESTIMATED_HEIGHT = 60

/** All pictures that are shown, of which only those near the visible part are in the page. */
export function Grid({
  pictures,
  mode,
  left,
  onOpen,
}: {
  pictures: readonly CaptionedPicture[]
  mode: Mode
  /** The picture that people come back from: the grid begins there. */
  left: string | null
  onOpen: (path: string) => void
}): ReactElement {
  const { t } = useTranslation('studio')
  // A filter may no longer let it through.
  const [begin] = useState(() => pictures.findIndex(({ path }) => path === left))
  const waits = useRef(begin >= 0)
  // Once: its block may go and come again.
  const focus = useCallback((cell: HTMLButtonElement | null) => {
    if (cell === null || !waits.current) return
    waits.current = false
    cell.focus()
  }, [])
  if (pictures.length === 0) return <p className="hint">{t('none')}</p>
  return (
    <section aria-label={t('pictureList')}>
      <Windowed
        key={mode}
        count={pictures.length}
        blockLength={IN_BLOCK}
        estimatedHeight={ESTIMATED_HEIGHT}
        begin={Math.max(0, begin)}
        name={(from, to) => `${t('pictureList')} ${from}–${to}`}
      >
        {(from, to) => (
          <ul className="studio-grid">
            {pictures.slice(from, to).map((picture) => (
              <Cell
                key={picture.path}
                picture={picture}
                mode={mode}
                onOpen={onOpen}
                focus={picture.path === left ? focus : undefined}
              />
            ))}
          </ul>
        )}
      </Windowed>
    </section>
  )
}

/** Drawn anew only when its picture has changed, however many there are. */
const Cell = memo(function Cell({
  picture,
  mode,
  onOpen,
  focus,
}: {
  picture: CaptionedPicture
  mode: Mode
  onOpen: (path: string) => void
  focus: RefCallback<HTMLButtonElement> | undefined
}): ReactElement {
  const { t } = useTranslation('studio')
  const { path, failure } = picture
  const text = mode === 'captions' ? captionOf(picture) : picture.altText
  return (
    <li>
      <button ref={focus} type="button" className="studio-cell" title={path} onClick={() => onOpen(path)}>
        <Thumbnail path={path} />
        <span className="name">{nameOf(path)}</span>
        {text !== '' && <span className="text">{text}</span>}
        <span className="hint">{t(text === '' ? 'noText' : markOf(picture, mode))}</span>
        {failure !== null && (
          <span className="problem">
            <FailureWords failure={failure} />
          </span>
        )}
      </button>
    </li>
  )
})

/** What is to be said of a text at a glance. */
export function markOf(
  picture: CaptionedPicture,
  mode: Mode,
): 'mark.accepted' | 'mark.edited' | 'mark.machine' | 'mark.file' | 'mark.missing' {
  if (mode === 'alt-text') {
    if (picture.altText === '') return 'mark.missing'
    return picture.altAccepted ? 'mark.accepted' : 'mark.machine'
  }
  if (captionOf(picture) === '') return 'mark.missing'
  if (picture.accepted) return 'mark.accepted'
  if (isEdited(picture)) return 'mark.edited'
  return isMachineMade(picture) ? 'mark.machine' : 'mark.file'
}
