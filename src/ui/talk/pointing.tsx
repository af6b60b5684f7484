import { useEffect, useRef, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Picture } from '../../conversation/conversation.ts'
import { useObjectUrl } from '../picture/picture.tsx'
import { PointedPicture } from '../search/pointed-picture.tsx'
import { useApp } from '../store-context.ts'
import { canJudge, says } from './fit.tsx'
import '../parts/picture-dialog.css'

export interface PointingProps {
  picture: Picture
  /** What was said of it. */
  text: string
}

/** Where the words of an answer point in its picture, for answers that name something. */
export function Pointing({ picture, text }: PointingProps): ReactElement | null {
  const { t } = useTranslation('search')
  const image = useApp((state) => state.images[picture.id])
  const isThere = useApp(canJudge)
  const [isOpen, setIsOpen] = useState(false)
  if (image === undefined || !isThere || !says([text])) return null
  return (
    <>
      <button type="button" className="link" onClick={() => setIsOpen(true)}>
        {t('whereLooked')}
      </button>
      {isOpen && (
        <PointingDialog picture={picture} image={image} text={text} onClose={() => setIsOpen(false)} />
      )}
    </>
  )
}

function PointingDialog({
  picture: { id, name },
  image,
  text,
  onClose,
}: PointingProps & { image: Blob; onClose: () => void }): ReactElement {
  const { t } = useTranslation('search')
  const url = useObjectUrl(image)
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} className="picture-details" aria-label={t('whereLooked')} onClose={onClose}>
      <PointedPicture picture={{ id, image }} url={url} name={name} words={text} atOnce />
      <div className="actions">
        <button type="button" onClick={() => dialog.current?.close()}>
          {t('close')}
        </button>
      </div>
    </dialog>
  )
}
