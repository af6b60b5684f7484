import { useEffect, useRef, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { bytesText } from '../../messages/amounts.ts'
import { CONVERSATIONS } from '../../protocol/search-calls.ts'
import type { ShownPicture } from '../../state/search/shown.ts'
import { useApp } from '../store-context.ts'
import { PointedPicture } from './pointed-picture.tsx'
import { useScoreText } from './score-text.ts'
import { useThumbnail } from './thumbnails.ts'
import '../parts/picture-dialog.css'

/** One picture of the results, large, and what can be done with it. */
export function PictureDetails({
  picture,
  onClose,
}: {
  picture: ShownPicture
  onClose: () => void
}): ReactElement {
  const { t, i18n } = useTranslation('search')
  const { find } = useApp((state) => state.searchActions)
  const words = useApp(({ search: { query } }) => (query.kind === 'words' ? query.text : ''))
  const addImages = useApp((state) => state.addImages)
  const newConversation = useApp((state) => state.newConversation)
  const scoreText = useScoreText()
  const dialog = useRef<HTMLDialogElement>(null)
  const file = useFile(picture.key)
  const small = useThumbnail(picture.sha256)
  useEffect(() => dialog.current?.showModal(), [])
  const { name, path, width, height, bytes, date: day } = picture
  const date = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium' }).format(day)
  // Of a conversation the path is an id, which says nothing.
  const below = path !== name && picture.source !== CONVERSATIONS ? path : ''
  const facts = [`${width} × ${height}`, bytesText(bytes, i18n.language), date]
  const talk = (): void => {
    if (file.blob === null) return
    newConversation()
    addImages([{ image: file.blob, name }])
    onClose()
  }
  return (
    <dialog ref={dialog} className="picture-details" aria-label={t('details')} onClose={onClose}>
      {file.url !== null && file.blob !== null ? (
        <PointedPicture
          picture={{ id: `search ${picture.sha256}`, image: file.blob }}
          url={file.url}
          name={name}
          words={words}
        />
      ) : (
        small !== null && <img src={small} alt={name} />
      )}
      <p dir="auto">
        <strong>{name}</strong> <span className="hint">{below}</span>
      </p>
      <p className="hint">{[scoreText(picture), ...facts].filter((part) => part !== '').join(' · ')}</p>
      {file.isRead && file.blob === null && <p className="hint">{t('notReadable')}</p>}
      <div className="actions">
        <button
          type="button"
          onClick={() => {
            void find({ kind: 'alike', key: picture.key })
            onClose()
          }}
        >
          {t('findAlike')}
        </button>
        {file.blob !== null && (
          <button type="button" onClick={talk}>
            {t('talkAbout')}
          </button>
        )}
        <button type="button" onClick={() => dialog.current?.close()}>
          {t('close')}
        </button>
      </div>
    </dialog>
  )
}

interface FileShown {
  isRead: boolean
  blob: Blob | null
  url: string | null
}

function useFile(key: string): FileShown {
  const { file } = useApp((state) => state.searchActions)
  const [read, setRead] = useState<{ blob: Blob | null; url: string | null } | null>(null)
  useEffect(() => {
    let url: string | null = null
    let isWanted = true
    void file(key)
      .catch(() => null)
      .then((blob) => {
        if (!isWanted) return
        url = blob === null ? null : URL.createObjectURL(blob)
        setRead({ blob, url })
      })
    return () => {
      isWanted = false
      if (url !== null) URL.revokeObjectURL(url)
    }
  }, [file, key])
  return { isRead: read !== null, blob: read?.blob ?? null, url: read?.url ?? null }
}
