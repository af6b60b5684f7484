import { useEffect, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Picture } from '../../conversation/conversation.ts'
import { useApp } from '../store-context.ts'

/** A picture of a conversation; nothing where the browser cannot draw the file. */
export function PictureView({
  picture,
  small = false,
}: {
  picture: Picture
  /** In a list, where its name stands beside it. */
  small?: boolean
}): ReactElement | null {
  const image = useApp((state) => state.images[picture.id])
  return image === undefined ? null : (
    <BlobImage key={picture.id} blob={image} name={picture.name} small={small} />
  )
}

function BlobImage({ blob, name, small }: { blob: Blob; name: string; small: boolean }): ReactElement {
  const { t } = useTranslation('talk')
  const url = useObjectUrl(blob)
  return (
    <img
      src={url}
      alt={small ? '' : t('picture.yours', { name })}
      draggable={false}
      {...(small && { loading: 'lazy' as const, decoding: 'async' as const })}
      onError={(event) => event.currentTarget.classList.add('broken')}
    />
  )
}

/** A URL for a Blob that stays the same while the component lives; revoked when it goes. */
export function useObjectUrl(blob: Blob): string {
  const [url] = useState(() => URL.createObjectURL(blob))
  useEffect(() => () => URL.revokeObjectURL(url), [url])
  return url
}
