import { useEffect, useState, type ReactElement } from 'react'
import type { Picture } from '../../conversation/conversation.ts'
import { useApp } from '../store-context.ts'

/** A picture of a conversation; nothing where the browser cannot draw the file. */
export function PictureView({
  picture,
  small = false,
}: {
  picture: Picture
  small?: boolean
}): ReactElement | null {
  const image = useApp((state) => state.images[picture.id])
  return image === undefined ? null : (
    <BlobImage key={picture.id} blob={image} name={picture.name} small={small} />
  )
}

function BlobImage({ blob, name, small }: { blob: Blob; name: string; small: boolean }): ReactElement {
  const url = useObjectUrl(blob)
  return (
    <img
      src={url}
      // In a list the name stands beside it.
      alt={small ? '' : `Your picture ${name}`}
      onError={(event) => event.currentTarget.classList.add('broken')}
    />
  )
}

/** A URL for a Blob that stays the same while the component lives; revoked when it goes. */
function useObjectUrl(blob: Blob): string {
  const [url] = useState(() => URL.createObjectURL(blob))
  useEffect(() => () => URL.revokeObjectURL(url), [url])
  return url
}
